use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::client::Answer;
use crate::reference::Service;
use crate::{FetchError, Trouble};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterValue {
    parameter: Parameter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    code: String,
}

/// Whether the same question may be answered otherwise in a moment.
pub(crate) fn is_passing(answer: &Answer) -> bool {
    let code = code(answer);
    answer.status.is_server_error()
        || answer.status == StatusCode::TOO_MANY_REQUESTS
        || ["Throttl", "TooManyRequests", "RequestLimitExceeded", "InternalServ"]
            .iter()
            .any(|part| code.contains(part))
}

/// What the secret holds, or why it was not handed out; trouble if the answer says neither.
///
/// Sources: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>,
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>,
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>
pub(crate) fn read(
    answer: &Answer,
    service: Service,
    region: &str,
) -> Result<Result<String, FetchError>, Trouble> {
    if answer.status == StatusCode::OK {
        return value(&answer.body, service);
    }
    let code = code(answer);
    let error = match code.as_str() {
        "ResourceNotFoundException" | "ParameterNotFound" | "ParameterVersionNotFound" => {
            FetchError::NotFound { region: region.to_owned() }
        }
        "AccessDeniedException" | "AccessDenied" => FetchError::Denied { action: service.action() },
        "DecryptionFailure" | "InvalidKeyId" => FetchError::NotDecrypted { code },
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException" => FetchError::CredentialsRefused { code },
        _ => return Err(Trouble::Status { status: answer.status.as_u16(), code }),
    };
    Ok(Err(error))
}

fn value(body: &[u8], service: Service) -> Result<Result<String, FetchError>, Trouble> {
    // What cannot be read may be a secret all the same, so no part of it is told.
    match service {
        Service::SecretsManager => {
            let value: SecretValue =
                serde_json::from_slice(body).map_err(|_detail| Trouble::Unreadable)?;
            Ok(value.secret_string.ok_or(FetchError::Binary))
        }
        Service::Ssm => {
            let value: ParameterValue =
                serde_json::from_slice(body).map_err(|_detail| Trouble::Unreadable)?;
            Ok(Ok(value.parameter.value))
        }
    }
}

/// What the service calls the error: `ResourceNotFoundException`, also when it says
/// `com.amazonaws.secretsmanager#ResourceNotFoundException:http://…`. Empty if it does not say.
fn code(answer: &Answer) -> String {
    if answer.status == StatusCode::OK {
        return String::new();
    }
    let refusal: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
    let code = refusal.map(|refusal| refusal.code).unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    // It is shown.
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

/// The value of one key of the JSON object in a secret.
pub(crate) fn pick(text: &str, key: &str) -> Result<String, FetchError> {
    let Ok(Value::Object(mut object)) = serde_json::from_str(text) else {
        return Err(FetchError::NotJson { key: key.to_owned() });
    };
    match object.remove(key) {
        Some(Value::String(text)) => Ok(text),
        // Ports, such as in what Secrets Manager keeps for databases.
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(_) => Err(FetchError::NotText { key: key.to_owned() }),
        None => Err(FetchError::NoKey { key: key.to_owned() }),
    }
}
