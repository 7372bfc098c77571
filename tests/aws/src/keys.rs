use crate::REGION;

/// What somebody signs requests with.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Tells who it is.
    pub id: String,
    /// Proves it.
    pub secret: String,
}

impl Keys {
    /// Of nobody in particular, whom a server takes that does not look at signatures.
    #[must_use]
    pub fn any() -> Self {
        Self { id: "test".to_owned(), secret: "test".to_owned() }
    }

    /// The variables that every AWS client takes them from, and the region.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", self.id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret.clone()),
        ]
    }
}
