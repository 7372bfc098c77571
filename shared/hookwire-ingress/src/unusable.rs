/// Why a notification can never become an event. Holds nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub(crate) String);

impl Unusable {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// Says where JSON went wrong, and not how: the parser's own words quote the content.
    pub(crate) fn no_json(what: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let how = match error.classify() {
            serde_json::error::Category::Data => "lacks a field or has one of another type",
            serde_json::error::Category::Eof => "ends too early",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => "is no JSON",
        };
        Self(format!("{what} {how} (line {line}, column {column})"))
    }
}
