//! Senders with a scheme of their own, each push signed by the sender's own library.

use super::sender::Sender;

const STANDARD: Sender = Sender {
    program: "sign.mjs",
    scheme: "standard-webhooks",
    kind: "standard-webhooks",
    settings: "",
    secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    wrong_secret: "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    public_keys: None,
    body: include_str!("../../fixtures/standard-webhook.json"),
    proof: &["webhook-id", "webhook-timestamp", "webhook-signature"],
    has_time: true,
    topic: "x",
    event_type: "contact.created",
    id: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
};

#[tokio::test]
async fn what_the_npm_package_standardwebhooks_signs() {
    STANDARD.is_let_in_only_with_its_own_signature().await;
}

#[tokio::test]
async fn what_the_python_package_standardwebhooks_signs() {
    Sender { program: "sign.py", ..STANDARD }.is_let_in_only_with_its_own_signature().await;
}

#[tokio::test]
async fn what_a_sender_of_standard_webhooks_signs_with_ed25519() {
    let sender = Sender {
        scheme: "ed25519",
        secrets: [
            "MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
            "MC4CAQAwBQYDK2VwBCIEIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC",
        ],
        wrong_secret: "MC4CAQAwBQYDK2VwBCIEIAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD",
        public_keys: Some([
            "whpk_iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
            "whpk_gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=",
        ]),
        ..STANDARD
    };
    sender.is_let_in_only_with_its_own_signature().await;
}

#[tokio::test]
async fn what_octokit_signs() {
    let sender = Sender {
        program: "sign.mjs",
        scheme: "github",
        kind: "github",
        settings: "",
        secrets: ["It's a Secret to Everybody", "its, successor"],
        wrong_secret: "its",
        public_keys: None,
        body: include_str!("../../fixtures/github-issues.json"),
        proof: &["x-hub-signature-256"],
        has_time: false,
        topic: "github/octocat/Hello-World",
        event_type: "github.issues",
        id: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    };
    sender.is_let_in_only_with_its_own_signature().await;
}

#[tokio::test]
async fn what_the_npm_package_stripe_signs() {
    let sender = Sender {
        program: "sign.mjs",
        scheme: "stripe",
        kind: "stripe",
        settings: "topic = \"stripe/{body.data.object.object}/{type}\"",
        secrets: ["whsec_test_secret", "whsec_its_successor"],
        wrong_secret: "whsec_of_somebody_else",
        public_keys: None,
        body: include_str!("../../fixtures/stripe-event.json"),
        proof: &["stripe-signature"],
        has_time: true,
        topic: "stripe/setup_intent/stripe.setup_intent.created",
        event_type: "stripe.setup_intent.created",
        id: "evt_1NG8Du2eZvKYlo2CUI79vXWy",
    };
    sender.is_let_in_only_with_its_own_signature().await;
}

#[tokio::test]
async fn what_slacks_python_sdk_signs() {
    super::slack::SLACK.is_let_in_only_with_its_own_signature().await;
}

#[tokio::test]
async fn what_a_sender_signs_that_nobody_has_a_library_for() {
    let sender = Sender {
        program: "sign.mjs",
        scheme: "hmac",
        kind: "hmac",
        settings: "header = \"Authorization\"\nprefix = \"HMAC \"\nalgorithm = \"sha512\"\nencoding = \"base64\"\n\
                   timestamp_header = \"X-Time\"\nid_header = \"X-Request-Id\"\ntopic = \"{source}/{body.shop}\"",
        secrets: ["first", "second"],
        wrong_secret: "third",
        public_keys: None,
        body: r#"{"shop":18446744073709551615,"€":1.10}"#,
        proof: &["authorization", "x-time"],
        has_time: true,
        topic: "x/18446744073709551615",
        event_type: "webhook.message",
        id: "order-7",
    };
    sender.is_let_in_only_with_its_own_signature().await;
}
