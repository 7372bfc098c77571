use hookwire_boot::FromSetting;

/// The only way in which spans are sent.
pub(crate) struct HttpProtobuf;

impl FromSetting for HttpProtobuf {
    const EXPECTS: &'static str = "http/protobuf";

    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim() {
            "http/protobuf" => Ok(Self),
            "grpc" => Err("this relay has no gRPC; collectors take HTTP on port 4318".into()),
            _ => Err(String::new()),
        }
    }
}

/// Whether spans are sent at all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SentBy {
    Otlp,
    Nobody,
}

impl FromSetting for SentBy {
    const EXPECTS: &'static str = "otlp or none";

    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim() {
            "otlp" => Ok(Self::Otlp),
            "none" => Ok(Self::Nobody),
            _ => Err(String::new()),
        }
    }
}
