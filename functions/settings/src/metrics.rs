use hookwire_boot::Settings;

/// Reads the namespace of the metrics that a function writes for CloudWatch; `None` where nothing is counted.
pub fn cloudwatch(settings: &Settings) -> Option<String> {
    let (counts, namespace): (bool, String) =
        (settings.value("metrics"), settings.value("metrics_namespace"));
    // Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".-_/#:".contains(c);
    let fits = (1..=255).contains(&namespace.len()) && !namespace.starts_with("AWS/");
    if !fits || !namespace.chars().all(is_allowed) {
        let right =
            "must be up to 255 letters, digits or any of `.-_/#:`, and not begin with `AWS/`";
        settings.mistake("metrics_namespace", right);
    }
    counts.then_some(namespace)
}
