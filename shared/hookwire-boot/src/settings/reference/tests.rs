use std::collections::BTreeSet;

use crate::{FromSetting, Key, Mistake, Origin, Secret, Settings};

const fn key(name: &'static str, secret: bool) -> Key {
    Key { name, default: None, secret, example: "", about: "" }
}

const KEYS: [Key; 4] =
    [key("jwt_secret", true), key("log", false), key("listen", false), key("origins", false)];

const SOURCE_KEYS: [Key; 2] = [key("secret", true), key("secret_env", true)];

const JWT: &str =
    "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:relay/jwt-AbCdEf#current";

/// The settings of an origin whose references stand for what is given.
fn load(origin: Origin, fetched: &[(&str, Result<&str, &str>)]) -> Settings {
    let fetched = fetched.iter().map(|(reference, outcome)| {
        let outcome = outcome.map(str::to_owned).map_err(str::to_owned);
        ((*reference).to_owned(), outcome)
    });
    Settings::load(&KEYS, &["sources"], origin.with_fetched(fetched))
}

fn told(settings: Settings) -> Vec<String> {
    settings.finish().unwrap_err().iter().map(Mistake::to_string).collect()
}

/// What nothing is, and whose reason repeats what it was given.
#[derive(Debug, PartialEq)]
struct Nothing;

impl FromSetting for Nothing {
    const EXPECTS: &'static str = "nothing";

    fn from_text(text: &str) -> Result<Self, String> {
        Err(format!("{text} is something"))
    }
}

#[test]
fn references_are_those_that_settings_can_read() {
    let variables = [
        ("HOOKWIRE_JWT_SECRET", JWT),
        ("HOOKWIRE_LOG", "redis://host"),
        ("HOOKWIRE_ORIGINS", ""),
        ("HOOKWIRE_TOKEN", "ssm:/token"),
        ("HOOKWIRE_CONFIG", "ssm:/config"),
        ("SHOP", "ssm:/shop"),
        ("BLOG", "ssm:/blog"),
        ("PLAIN", "hunter2"),
        ("NOBODYS", "ssm:/nobodys"),
    ];
    let file = "jwt_secret = 'ssm:/set-over'\nlog = 'ssm:/set-over'\nlisten = 'SSM:/no'\n\
                origins = ['ssm:/one', ' ssm:/no', 'ssm:/one']\n\
                [[sources]]\nsecret = 'secretsmanager:two'\nsecret_env = ['SHOP', 'PLAIN', 'NONE']\n\
                [[sources]]\nsecret_env = 'BLOG'\nname = 'NOBODYS'";
    let references = Origin::given(variables, file).references(&KEYS);
    let expected = [JWT, "secretsmanager:two", "ssm:/blog", "ssm:/one", "ssm:/shop"];
    assert_eq!(references, BTreeSet::from(expected.map(str::to_owned)));
}

#[test]
fn what_was_fetched_is_read_in_the_place_of_its_reference() {
    let variables = [
        ("HOOKWIRE_JWT_SECRET", JWT),
        ("HOOKWIRE_ORIGINS", "ssm:/origins"),
        ("SHOP", "ssm:/shop"),
        ("HOOKWIRE_LISTEN", "ssm:/itself"),
    ];
    let file = "log = 'ssm:/log'\n[[sources]]\nsecret = ['plain', 'ssm:/a']\nsecret_env = 'SHOP'";
    let settings = load(
        Origin::given(variables, file),
        &[
            (JWT, Ok("hunter2")),
            ("ssm:/origins", Ok("https://a.example, ssm:/log")),
            ("ssm:/log", Ok("redis://host")),
            ("ssm:/a", Ok("a")),
            ("ssm:/shop", Ok("s,hop")),
            ("ssm:/itself", Ok("ssm:/log")),
        ],
    );
    assert_eq!(settings.optional::<Secret>("jwt_secret").unwrap().expose(), "hunter2");
    assert_eq!(settings.optional::<String>("log").unwrap(), "redis://host");
    // What was fetched is taken as it is, whatever it looks like.
    assert_eq!(settings.list::<String>("origins"), ["https://a.example", "ssm:/log"]);
    assert_eq!(settings.optional::<String>("listen").unwrap(), "ssm:/log");
    let tables = settings.tables("sources", &SOURCE_KEYS);
    assert_eq!(tables[0].several::<String>("secret"), ["plain", "a"]);
    assert_eq!(tables[0].several_in_variables::<String>("secret_env", "secret"), ["s,hop"]);
    drop(tables);
    assert_eq!(settings.finish().unwrap(), []);
}

#[test]
fn a_reference_that_nobody_fetched_is_a_mistake_and_no_secret() {
    let variables = [("HOOKWIRE_JWT_SECRET", JWT), ("SHOP", "ssm:/shop")];
    let file = "log = 'ssm:/log'\norigins = 'ssm:/a,b'\n\
                [[sources]]\nsecret = ['ssm:/a']\nsecret_env = 'SHOP'";
    let settings = load(Origin::given(variables, file), &[]);
    assert!(settings.optional::<Secret>("jwt_secret").is_none());
    assert!(settings.required::<String>("log").is_none());
    assert!(settings.list::<String>("origins").is_empty());
    let tables = settings.tables("sources", &SOURCE_KEYS);
    assert!(tables[0].several::<Secret>("secret").is_empty());
    assert!(tables[0].several_in_variables::<Secret>("secret_env", "secret").is_empty());
    drop(tables);
    let right =
        "is a reference to a secret, which is not fetched here; the secret itself would be right";
    assert_eq!(
        told(settings),
        [
            format!("HOOKWIRE_JWT_SECRET = \"{JWT}\": {right}"),
            format!("log = \"ssm:/log\" (hookwire.toml line 1): {right}"),
            format!("origins = \"ssm:/a,b\" (hookwire.toml line 2): {right}"),
            format!("sources[0].secret[0] = \"ssm:/a\" (hookwire.toml line 4): {right}"),
            format!("SHOP = \"ssm:/shop\": {right}"),
        ]
    );
}

#[test]
fn why_a_secret_could_not_be_had_is_told_beside_all_other_mistakes() {
    let variables = [("HOOKWIRE_JWT_SECRET", JWT), ("HOOKWIRE_LOG", "ssm:/log")];
    let fetched = [(JWT, Err("was not found; it must be made first")), ("ssm:/log", Ok("hunter2"))];
    let settings = load(Origin::given(variables, "listen = 'x'"), &fetched);
    settings.optional::<u32>("listen");
    assert!(settings.optional::<Secret>("jwt_secret").is_none());
    settings.optional::<u32>("log");
    // Says so only because there is no key, which is told already.
    settings.mistake("listen", "must be loopback without a key");
    assert_eq!(
        told(settings),
        [
            "listen = 'x' (hookwire.toml line 1): expects a whole number".to_owned(),
            format!("HOOKWIRE_JWT_SECRET = \"{JWT}\": was not found; it must be made first"),
            "HOOKWIRE_LOG = \"ssm:/log\": expects a whole number".to_owned(),
        ]
    );
}

#[test]
fn a_secret_that_could_not_be_had_and_that_nobody_reads_changes_nothing() {
    let variables = [("HOOKWIRE_JWT_SECRET", JWT)];
    let settings = load(Origin::given(variables, ""), &[(JWT, Err("was not found"))]);
    settings.required::<String>("log");
    settings.mistake("listen", "must be loopback without a key");
    assert_eq!(told(settings).len(), 2);
}

#[test]
fn an_empty_secret_does_not_count_as_none() {
    let variables = [("HOOKWIRE_JWT_SECRET", JWT)];
    let settings = load(Origin::given(variables, ""), &[(JWT, Ok(""))]);
    assert!(settings.optional::<Secret>("jwt_secret").is_none());
    assert!(told(settings)[0].contains("a secret that is empty"));
}

#[test]
fn what_was_fetched_is_never_shown_whatever_the_key_says() {
    let variables = [("HOOKWIRE_LOG", "ssm:/log"), ("HOOKWIRE_ORIGINS", "ssm:/origins")];
    let fetched = [("ssm:/log", Ok("hunter2")), ("ssm:/origins", Ok("hunter2,hunter2b"))];
    let origin = Origin::given(variables, "listen = ['ssm:/log']");
    let settings = load(origin, &fetched);
    assert_eq!(settings.optional::<Nothing>("log"), None);
    assert_eq!(settings.list::<Nothing>("origins"), []);
    assert_eq!(settings.list::<Nothing>("listen"), []);
    settings.mistake("log", "must be another one");
    let shown = format!("{settings:?}");
    let told = told(settings).join("\n");
    assert_eq!(told.matches("ssm:/log").count(), 3, "{told}");
    assert_eq!(told.matches("ssm:/origins").count(), 1, "{told}");
    assert!(!told.contains("hunter2") && !shown.contains("hunter2"), "{told}\n{shown}");
}
