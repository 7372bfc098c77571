use lambda_extension::{Error, Extension};

/// Registers an extension that wants no events: only processes with one are asked to end before they are killed.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>
///
/// # Errors
///
/// There is no platform that knows of extensions.
pub(crate) async fn register() -> Result<(), Error> {
    let extension = Extension::new().with_events(&[]).with_extension_name("hookwire-stop");
    let registered = extension.register().await?;
    // It waits for an event that never comes; without it the start would not be over.
    tokio::spawn(registered.run());
    Ok(())
}
