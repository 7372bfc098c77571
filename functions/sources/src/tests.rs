use hookwire_boot::Origin;
use hookwire_ingress::Proof;
use hookwire_settings::KEYS;

use super::*;

const WHSEC: &str = "secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";

/// What is read from the table of one source, and what is said of it.
fn read_one(kind: &str, table: &str) -> (Vec<SourceConfig>, Vec<String>) {
    let file = format!("[[sources]]\nname = \"a\"\nkind = \"{kind}\"\n{table}\n");
    let origin = Origin::given([("SHOP_SECRET", "hunter2"), ("BLANK", " hunter2")], &file);
    let settings = Settings::load(&KEYS, &["sources"], origin);
    let sources = read(&settings, ReachedBy::ThisMachine);
    let mistakes = match settings.finish() {
        Ok(_warnings) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    };
    (sources, mistakes)
}

#[test]
fn every_kind_is_read_with_what_it_needs_and_no_more() {
    let secret = "secret = \"hunter2\"";
    for (kind, table, topic, proof) in [
        ("gmail", "", "gmail/{emailAddress}", Proof::Nothing),
        ("pubsub", "verification = \"none\"", "pubsub/{subscription}", Proof::Nothing),
        ("pubsub", "audience = \"a\"\nemail = \"e\"", "pubsub/{subscription}", Proof::Headers),
        ("standard-webhooks", WHSEC, "{source}", Proof::Body),
        ("github", secret, "github/{repository}", Proof::Body),
        ("stripe", "secret = [\"hunter2\", \"hunter3\"]", "{source}", Proof::Body),
        ("slack", "secret_env = \"SHOP_SECRET\"", "{source}", Proof::Body),
        ("cloudevents", secret, "{source}", Proof::Headers),
        ("cloudevents", "verification = \"none\"", "{source}", Proof::Nothing),
        ("hmac", "secret = \"hunter2\"\nheader = \"X-Signature\"", "{source}", Proof::Body),
        ("bearer", "secret_env = [\"SHOP_SECRET\"]", "{source}", Proof::Headers),
    ] {
        let (sources, mistakes) = read_one(kind, table);
        assert_eq!(mistakes, Vec::<String>::new(), "{kind}");
        let [source] = &sources[..] else { panic!("{kind}") };
        assert_eq!((source.kind.default_topic(), source.kind.proof()), (topic, proof), "{kind}");
        assert_eq!(source.path, "/webhooks/a");
        assert!(!format!("{source:?}").contains("hunter"), "{source:?}");
    }
}

#[test]
fn every_mistake_says_what_would_be_right_and_shows_no_secret() {
    let hmac = |more: &str| format!("secret = \"hunter2\"\nheader = \"X-Signature\"\n{more}");
    for (kind, table, right) in [
        ("smoke", "", "`standard-webhooks`, `github`, `stripe`, `slack`, `cloudevents`"),
        ("github", "", "sources[0].secret (hookwire.toml line 1): must be set, or `secret_env`"),
        ("cloudevents", "", "must be set, or `secret_env`"),
        ("github", "secret = \"\"", "must be set, or `secret_env`"),
        ("github", "secret = []", "has nothing in it"),
        ("github", "secret = [\"hunter2\", \"\"]", "expects a text without white space around it"),
        ("github", "secret = \"hunter2 \"", "white space"),
        ("github", "secret_env = \"BLANK\"", "white space"),
        ("github", "secret_env = \"hunter2\"", "must name variables that are set"),
        ("bearer", "secret = \"hunter2 hunter2\"", "visible ASCII"),
        ("standard-webhooks", "secret = \"whsec_aHVudGVyMg==\"", "the secret has 7 bytes"),
        ("standard-webhooks", "secret = \"hunter2\"", "begins neither with `whsec_`"),
        ("hmac", "secret = \"hunter2\"", "sources[0].header (hookwire.toml line 1): must be set"),
        ("hmac", &hmac("algorithm = \"sha1\""), "SHA-1 is broken"),
        ("hmac", &hmac("encoding = \"base32\""), "`hex` or `base64`"),
        ("hmac", &hmac("timestamp_tolerance = \"0s\""), "expects from 1s"),
        ("hmac", &hmac("id_header = \"x-signature\""), "must not be that of the signature"),
        ("hmac", &hmac("id_header = \"Authorization\""), "everybody may see"),
        ("hmac", &hmac("id_header = \"X-Id\"\nid_pointer = \"/id\""), "must stand alone"),
        ("hmac", &hmac("id_pointer = \"event.id\""), "a JSON pointer"),
        ("github", "secret = \"hunter2\"\nheader = \"X\"", "leave it out"),
        ("github", "secret = \"hunter2\"\nverification = \"none\"", "leave it out"),
        ("gmail", "secret = \"hunter2\"", "leave it out"),
        ("gmail", "verification = \"bearer\"", "must be `google` or `none`"),
        ("cloudevents", "secret = \"hunter2\"\nverification = \"none\"", "beside a secret"),
        ("stripe", "secret = \"hunter2\"\ntopic = \"{repository}\"", "and {repository} is none"),
        ("stripe", "secret = \"hunter2\"\ntopic = \"{headers.x}\"", "there are {source}, {type}"),
    ] {
        let (_, mistakes) = read_one(kind, table);
        assert_eq!(mistakes.len(), 1, "{kind} {table}: {mistakes:#?}");
        assert!(mistakes[0].contains(right), "{kind} {table}: {mistakes:#?}");
        assert!(!mistakes[0].contains("hunter2"), "{mistakes:#?}");
    }
}
