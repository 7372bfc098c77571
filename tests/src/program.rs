use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Where a program of the workspace is; built once per run of the tests.
#[must_use]
pub fn program(package: &str, binary: &str) -> PathBuf {
    static PROGRAMS: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut programs = PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner);
    let built = programs.get_or_insert_default().entry(binary.to_owned());
    built.or_insert_with(|| build(package, binary)).clone()
}

/// Where the program of a function is: in the folder that `HOOKWIRE_FUNCTIONS` names, as `NAME` or as `NAME/bootstrap`,
/// which is how `cargo lambda build` leaves it; else built as the others are.
#[must_use]
pub(crate) fn function(package: &str, binary: &str) -> PathBuf {
    let Some(folder) = std::env::var_os("HOOKWIRE_FUNCTIONS") else {
        return program(package, binary);
    };
    let named = PathBuf::from(folder).join(binary);
    let found = [named.clone(), named.join("bootstrap")].into_iter().find(|path| path.is_file());
    let found = found.unwrap_or_else(|| panic!("there is no {}", named.display()));
    found.canonicalize().unwrap()
}

fn build(package: &str, binary: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    let profile = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    let built = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--package", package])
        .args(profile.ends_with("release").then_some("--release"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success(), "{package} does not build");
    profile.join(binary)
}
