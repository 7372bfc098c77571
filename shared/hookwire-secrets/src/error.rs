use std::time::Duration;

/// Why a reference brought no secret. Each says what is wrong with it and what would be right, without a part of a secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// It is not written as one.
    #[error(
        "expects `secretsmanager:NAME_OR_ARN`, `secretsmanager:NAME_OR_ARN#JSON_KEY` or `ssm:NAME_OR_ARN`"
    )]
    NoReference,
    /// Nobody says which region it is in.
    #[error("is in no known region; set AWS_REGION, or give its ARN")]
    NoRegion,
    /// What is to be asked in the place of AWS is no URL.
    #[error(
        "is looked for at what {variable} says, which must be a URL, such as `http://127.0.0.1:4566`"
    )]
    BadEndpoint {
        /// The variable.
        variable: &'static str,
    },
    /// There is nothing to sign with.
    #[error(
        "cannot be fetched without credentials; on Lambda and in a container give it a role, elsewhere set \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// The credentials would come over a network in the clear.
    #[error(
        "cannot be fetched, since AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http on this host"
    )]
    BadCredentialsEndpoint,
    /// The container has a role, and whoever hands out its credentials does not.
    #[error(
        "cannot be fetched, since the credentials of this container's role could not be had: {0}"
    )]
    CredentialsUnavailable(Trouble),
    /// AWS knows nobody with these credentials.
    #[error(
        "cannot be fetched with these credentials ({code}); they must be valid, temporary ones with their \
         AWS_SESSION_TOKEN, and the clock of this machine right"
    )]
    CredentialsRefused {
        /// What AWS calls it.
        code: String,
    },
    /// It does not exist, there.
    #[error("was not found in {region}; it must be there under exactly this name or ARN")]
    NotFound {
        /// Where it was looked for.
        region: String,
    },
    /// The role may not read it.
    #[error(
        "may not be read with these credentials; their role must allow `{action}` on it, and `kms:Decrypt` on its key if \
         that is one of your own"
    )]
    Denied {
        /// What must be allowed.
        action: &'static str,
    },
    /// The key that it is encrypted with.
    #[error(
        "could not be decrypted ({code}); its key must be enabled, and the role must allow `kms:Decrypt` on it"
    )]
    NotDecrypted {
        /// What AWS calls it.
        code: String,
    },
    /// It holds bytes.
    #[error("is binary; it must be a text (`SecretString`)")]
    Binary,
    /// A key was asked for.
    #[error(
        "is no JSON object and so has no key `{key}`; without `#{key}` the whole text is taken"
    )]
    NotJson {
        /// The key.
        key: String,
    },
    /// The object has others.
    #[error("has no key `{key}` in its JSON; it must be one of its keys, at the top")]
    NoKey {
        /// The key.
        key: String,
    },
    /// It is there.
    #[error("holds under `{key}` neither a text nor a number, and must hold one of them")]
    NotText {
        /// The key.
        key: String,
    },
    /// No answer that says anything about the secret.
    #[error("could not be fetched: {host}: {trouble}")]
    Unavailable {
        /// Who was asked.
        host: String,
        /// What was the matter, the last time.
        trouble: Trouble,
    },
    /// The time for all of them together is over.
    #[error("could not be fetched in time")]
    TooLate,
}

/// Why there was no answer to a request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Trouble {
    /// Nobody is there, or somebody else.
    #[error("it is not reached ({0})")]
    Unreachable(String),
    /// Nothing came in time.
    #[error("it does not answer within {0:?}")]
    Timeout(Duration),
    /// It answers something else.
    #[error("it answers {status}{}{code}", if code.is_empty() { "" } else { " " })]
    Status {
        /// The status.
        status: u16,
        /// What the service calls it, if anything.
        code: String,
    },
    /// It was never sent.
    #[error("a request cannot be signed with these credentials")]
    Unsigned,
    /// It is not what such an answer looks like.
    #[error("its answer cannot be read")]
    Unreadable,
}
