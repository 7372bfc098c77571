use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

const fn key(name: &'static str, default: Option<&'static str>, example: &'static str) -> Key {
    Key { name, default, secret: false, example, about: "" }
}

const KEYS: [Key; 7] = [
    key("listen", Some("127.0.0.1:8080"), "0.0.0.0:80"),
    key("heartbeat", Some("15s"), "30s"),
    key("max_body", Some("1MiB"), "64KiB"),
    key("streams_per_user", Some("3"), "10"),
    key("push_audience", None, "https://relay.example.com"),
    key("cors_origins", Some("http://localhost"), "https://a.example"),
    Key { secret: true, ..key("jwt_secret", None, "at least 32 characters") },
];

const SOURCE_KEYS: [Key; 4] = [
    key("name", None, "orders"),
    key("topic", Some("pubsub"), "orders/{id}"),
    Key { secret: true, ..key("secret", None, "whsec_…") },
    Key { secret: true, ..key("secret_env", None, "SHOP_SECRET") },
];

fn load<const N: usize>(variables: [(&str, &str); N], file: &str) -> Settings {
    Settings::load(&KEYS, &["sources"], Origin::given(variables, file))
}

/// What the user is told, without the first line.
fn told(settings: Settings) -> Vec<String> {
    let mistakes = settings.finish().unwrap_err();
    mistakes.iter().map(Mistake::to_string).collect()
}

/// A secret that refuses short texts, and repeats them.
#[derive(Debug)]
struct Talkative;

impl FromSetting for Talkative {
    const EXPECTS: &'static str = "a long text";

    fn from_text(text: &str) -> Result<Self, String> {
        Err(format!("{text} is short"))
    }
}

#[test]
fn an_unset_key_has_its_default() {
    let settings = load([], "");
    let default: SocketAddr = ([127, 0, 0, 1], 8080).into();
    assert_eq!(settings.value::<SocketAddr>("listen"), default);
    assert_eq!(settings.value::<Duration>("heartbeat"), Duration::from_secs(15));
    assert_eq!(settings.value::<Bytes>("max_body"), Bytes(1_048_576));
    assert_eq!(settings.optional::<String>("push_audience"), None);
    assert_eq!(settings.optional::<u32>("streams_per_user"), Some(3));
    assert_eq!(settings.list::<String>("cors_origins"), ["http://localhost"]);
    assert_eq!(settings.finish().unwrap(), []);
}

#[test]
fn the_environment_wins_over_the_file_and_an_empty_text_counts_as_unset() {
    let file = "streams_per_user = 7\nheartbeat = '20s'\nmax_body = ''";
    let variables = [("HOOKWIRE_STREAMS_PER_USER", "9"), ("HOOKWIRE_HEARTBEAT", "")];
    let settings = load(variables, file);
    assert_eq!(settings.value::<u32>("streams_per_user"), 9);
    assert_eq!(settings.value::<Duration>("heartbeat"), Duration::from_secs(20));
    assert_eq!(settings.value::<Bytes>("max_body"), Bytes(1 << 20));
    assert!(settings.finish().is_ok());
}

#[test]
fn numbers_and_booleans_of_the_file_are_read_by_their_text() {
    let keys = [
        key("on", Some("false"), ""),
        key("hex", Some("0"), ""),
        key("long", Some("0"), ""),
        key("version", None, ""),
    ];
    let file = "on = true\nhex = 0xff\nlong = 1_000\nversion = 1.10";
    let settings = Settings::load(&keys, &[], Origin::given([], file));
    assert!(settings.value::<bool>("on"));
    assert_eq!(settings.value::<u64>("hex"), 255);
    assert_eq!(settings.value::<usize>("long"), 1000);
    assert_eq!(settings.optional::<String>("version").unwrap(), "1.10");
    assert!(settings.finish().is_ok());
}

#[test]
fn a_file_written_on_windows_is_read_and_its_lines_are_counted() {
    let settings = load([], "\u{feff}heartbeat = '20s'\r\nmax_body = 'big'\r\n");
    assert_eq!(settings.value::<Duration>("heartbeat"), Duration::from_secs(20));
    settings.value::<Bytes>("max_body");
    let told = told(settings).concat();
    assert!(told.starts_with("max_body = 'big' (hookwire.toml line 2): "), "{told}");
}

#[test]
fn a_list_is_separated_by_commas_or_an_array() {
    let expected = ["https://a.example", "https://b.example"];
    let text = "https://a.example, https://b.example,";
    let cases = [
        load([("HOOKWIRE_CORS_ORIGINS", text)], ""),
        load([], &format!("cors_origins = '{text}'")),
        load([], "cors_origins = ['https://a.example', 'https://b.example']"),
    ];
    for settings in cases {
        assert_eq!(settings.list::<String>("cors_origins"), expected);
        assert!(settings.finish().is_ok());
    }
    let none = load([], "cors_origins = []");
    assert!(none.list::<String>("cors_origins").is_empty());
}

#[test]
fn every_bad_item_of_a_list_is_told() {
    let keys = [key("ports", None, "")];
    let origin = Origin::given([], "ports = [1, 'x',\n2, 'y', []]");
    let settings = Settings::load(&keys, &[], origin);
    assert!(settings.list::<u32>("ports").is_empty());
    assert_eq!(
        told(settings),
        [
            "ports[1] = 'x' (hookwire.toml line 1): expects a whole number",
            "ports[3] = 'y' (hookwire.toml line 2): expects a whole number",
            "ports[4] = [] (hookwire.toml line 2): expects a whole number (this is a list)",
        ]
    );
}

#[test]
fn all_mistakes_are_told_at_once_as_the_user_wrote_them() {
    let file = "\nheartbeat = 15\nlisten = '0.0.0.0:80'\nmax_body = ['1MiB']\n";
    let variables = [("HOOKWIRE_LISTEN", "localhost:80"), ("HOOKWIRE_PUSH_AUDEINCE", "x")];
    let settings = load(variables, file);
    let default: SocketAddr = ([127, 0, 0, 1], 8080).into();
    assert_eq!(settings.value::<SocketAddr>("listen"), default);
    assert_eq!(settings.value::<Duration>("heartbeat"), Duration::from_secs(15));
    assert_eq!(settings.value::<Bytes>("max_body"), Bytes(1 << 20));
    assert_eq!(settings.required::<String>("push_audience"), None);
    assert_eq!(
        settings.finish().unwrap_err().to_string(),
        "4 mistakes in the configuration:
  - HOOKWIRE_LISTEN = \"localhost:80\": expects an IP address and a port, such as `0.0.0.0:80` \
         (names are not looked up)
  - heartbeat = 15 (hookwire.toml line 2): expects a whole number with a unit (ms, s, m, h, d), \
         such as `30s` (the unit is missing)
  - max_body = ['1MiB'] (hookwire.toml line 4): expects a size in bytes, or with a unit \
         (KiB, MiB, GiB, kB, MB, GB), such as `64KiB` (this is a list)
  - HOOKWIRE_PUSH_AUDIENCE (or push_audience in hookwire.toml): must be set, such as \
         `https://relay.example.com`
  - HOOKWIRE_PUSH_AUDEINCE is ignored: it is not a setting; did you mean `HOOKWIRE_PUSH_AUDIENCE`?"
    );
}

#[test]
fn a_mistake_is_told_once_however_often_the_key_is_read() {
    let settings = load([("HOOKWIRE_HEARTBEAT", "soon")], "");
    settings.value::<Duration>("heartbeat");
    settings.value::<Duration>("heartbeat");
    assert_eq!(told(settings).len(), 1);
}

#[test]
fn a_value_outside_of_its_bounds_is_told_the_bounds() {
    let settings = load([("HOOKWIRE_STREAMS_PER_USER", "101")], "max_body = '2KiB'");
    assert_eq!(settings.value_in("streams_per_user", 0..=100_u32), 3);
    assert_eq!(settings.value_in("max_body", Bytes(4096)..=Bytes(1 << 30)), Bytes(1 << 20));
    assert_eq!(
        told(settings),
        [
            "HOOKWIRE_STREAMS_PER_USER = \"101\": expects from 0 to 100",
            "max_body = '2KiB' (hookwire.toml line 1): expects from 4KiB to 1GiB",
        ]
    );
}

#[test]
fn a_mistake_of_the_caller_shows_the_value_but_never_a_secret() {
    let variables = [("HOOKWIRE_JWT_SECRET", "hunter2"), ("HOOKWIRE_LISTEN", "0.0.0.0:80")];
    let settings = load(variables, "");
    settings.mistake("jwt_secret", "must have at least 32 bytes");
    settings.mistake("listen", "must be loopback without a key");
    settings.optional::<Talkative>("jwt_secret");
    assert_eq!(
        told(settings),
        [
            "HOOKWIRE_JWT_SECRET = …: must have at least 32 bytes",
            "HOOKWIRE_LISTEN = \"0.0.0.0:80\": must be loopback without a key",
            "HOOKWIRE_JWT_SECRET = …: expects a long text, such as `at least 32 characters`",
        ]
    );
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let settings = load([], "colour = 'red'\nJWT_SECERT = 'hunter2'\n[source]\nname = 'x'");
    assert_eq!(
        told(settings),
        [
            "colour (hookwire.toml line 1): is not a setting",
            "JWT_SECERT (hookwire.toml line 2): is not a setting; did you mean `jwt_secret`?",
            "source (hookwire.toml line 3): is not a setting; did you mean `sources`?",
        ]
    );
}

#[test]
fn an_unknown_variable_is_only_a_warning() {
    let variables = [
        ("HOOKWIRE_CONFIG", "hookwire.toml"),
        ("HOOKWIRE_CONFIGS", "x"),
        ("HOOKWIRE_LISTNE", "x"),
        ("HOOKWIRE_SERVICE_HOST", "10.0.0.1"),
        ("HOOKWIRE_SOURCES", "x"),
        ("PATH", "/bin"),
    ];
    let warnings = load(variables, "").finish().unwrap();
    let shown: Vec<String> = warnings.iter().map(Warning::to_string).collect();
    assert_eq!(
        shown,
        [
            "HOOKWIRE_CONFIGS is ignored: it is not a setting; did you mean `HOOKWIRE_CONFIG`?",
            "HOOKWIRE_LISTNE is ignored: it is not a setting; did you mean `HOOKWIRE_LISTEN`?",
            "HOOKWIRE_SERVICE_HOST is ignored: it is not a setting",
            "HOOKWIRE_SOURCES is ignored: [[sources]] is set in the file only",
        ]
    );
}

#[test]
fn tables_are_read_in_order_and_their_mistakes_say_where() {
    let file = "
[[sources]]
name = 'orders'
topic = 'orders/{id}'
[[sources]]
secert = 'hunter2'
secret = 'hunter2'
[[sources]]
name = ['a']
";
    let settings = load([("HOOKWIRE_NAME", "x")], file);
    let sources = settings.tables("sources", &SOURCE_KEYS);
    let at: Vec<&str> = sources.iter().map(Table::at).collect();
    assert_eq!(at, ["sources[0]", "sources[1]", "sources[2]"]);
    let topics: Vec<String> = sources.iter().map(|source| source.value("topic")).collect();
    assert_eq!(topics, ["orders/{id}", "pubsub", "pubsub"]);
    let names: Vec<Option<String>> = sources.iter().map(|source| source.required("name")).collect();
    assert_eq!(names, [Some("orders".to_owned()), None, None]);
    sources[1].mistake("secret", "is too short");
    assert_eq!(
        told(settings),
        [
            "sources[1].secert (hookwire.toml line 6): is not a setting; did you mean `secret`?",
            "sources[1].name (hookwire.toml line 5): must be set, such as `orders`",
            "sources[2].name = ['a'] (hookwire.toml line 9): expects a text, such as `orders` \
             (this is a list)",
            "sources[1].secret = … (hookwire.toml line 7): is too short",
        ]
    );
}

#[test]
fn a_table_that_is_not_one_of_an_array_is_told_how_to_begin_it() {
    for file in ["[sources]\nname = 'x'", "sources = 'x'", "sources = ['x']"] {
        let settings = load([], file);
        assert!(settings.tables("sources", &SOURCE_KEYS).is_empty(), "{file}");
        let right =
            "sources (hookwire.toml line 1): expects tables, each begun by a line `[[sources]]`";
        assert_eq!(told(settings), [right], "{file}");
    }
    let none = load([], "sources = []");
    assert!(none.tables("sources", &SOURCE_KEYS).is_empty());
    assert!(none.finish().is_ok());
}

#[test]
fn every_syntax_error_is_told_with_its_place_and_without_its_line() {
    let settings = load([], "heartbeat = '1s'\njwt_secret = hunter2\npush_audience = 'hunter2\n");
    let told = told(settings);
    assert_eq!(told.len(), 2, "{told:?}");
    let starts = [
        "hookwire.toml (line 2, column 14): is not valid TOML: ",
        "hookwire.toml (line 3, column 25): is not valid TOML: ",
    ];
    for (mistake, start) in told.iter().zip(starts) {
        assert!(mistake.starts_with(start), "{mistake}");
        assert!(!mistake.contains("hunter2"), "{mistake}");
    }
}

#[test]
fn a_broken_file_adds_no_mistakes_about_what_it_may_have_set() {
    let variables = [("HOOKWIRE_HEARTBEAT", "soon"), ("HOOKWIRE_STREAMS_PER_USER", "101")];
    let settings = load(variables, "push_audience = ");
    settings.required::<String>("push_audience");
    settings.mistake("listen", "must be loopback without a key");
    settings.value::<Duration>("heartbeat");
    settings.value_in("streams_per_user", 0..=100_u32);
    let told = told(settings);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("hookwire.toml (line 1, column 1"), "{told:?}");
    assert!(told[1].starts_with("HOOKWIRE_HEARTBEAT"), "{told:?}");
    assert!(told[2].starts_with("HOOKWIRE_STREAMS_PER_USER"), "{told:?}");
}

#[test]
fn a_long_value_is_cut_and_control_characters_are_escaped() {
    let long = format!("\u{1b}[31m{}", "x".repeat(200));
    let settings = load([("HOOKWIRE_LISTEN", &long)], "");
    settings.value::<SocketAddr>("listen");
    let told = told(settings).concat();
    let shown = format!("HOOKWIRE_LISTEN = \"\\u{{1b}}[31m{}…\": expects", "x".repeat(55));
    assert!(told.starts_with(&shown), "{told}");
}

#[test]
fn what_settings_show_of_themselves_holds_no_value() {
    let origin = Origin::given([("HOOKWIRE_JWT_SECRET", "hunter2")], "push_audience = 'hunter2'");
    assert!(!format!("{origin:?}").contains("hunter2"));
    let settings = Settings::load(&KEYS, &[], origin);
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_a_mistake_and_no_panic() {
    use std::os::unix::ffi::OsStringExt;
    let bad = || OsString::from_vec(vec![b'x', 0xff]);
    let variables = [("HOOKWIRE_PUSH_AUDIENCE".into(), bad()), (bad(), "x".into())];
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::found(variables.into_iter(), None, folder.path());
    let settings = Settings::load(&KEYS, &[], origin);
    assert_eq!(settings.required::<String>("push_audience"), None);
    assert_eq!(
        told(settings),
        ["HOOKWIRE_PUSH_AUDIENCE = …: expects a text, such as `https://relay.example.com` \
          (this is not valid UTF-8)"]
    );
}

/// Loads with `HOOKWIRE_CONFIG` and an argument, in `folder`.
fn load_in(folder: &Path, variable: Option<&Path>, argument: Option<PathBuf>) -> Settings {
    let variables = variable.map(|path| (OsString::from("HOOKWIRE_CONFIG"), path.into()));
    let origin = Origin::found(variables.into_iter(), argument, folder);
    Settings::load(&KEYS, &[], origin)
}

#[test]
fn the_file_is_the_argument_then_the_variable_then_the_one_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let audience = |settings: Settings| settings.optional::<String>("push_audience");
    assert_eq!(audience(load_in(folder.path(), None, None)), None);
    for name in ["hookwire.toml", "variable.toml", "argument.toml"] {
        std::fs::write(path(name), format!("push_audience = '{name}'")).unwrap();
    }
    let variable = path("variable.toml");
    let argument = path("argument.toml");
    let cases = [
        (None, None, "hookwire.toml"),
        (Some(&variable), None, "variable.toml"),
        (Some(&variable), Some(argument), "argument.toml"),
    ];
    for (variable, argument, read) in cases {
        let settings = load_in(folder.path(), variable.map(PathBuf::as_path), argument);
        assert_eq!(audience(settings).as_deref(), Some(read));
    }
}

#[test]
fn a_named_file_that_is_missing_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let by_variable = told(load_in(folder.path(), Some(&missing), None));
    let shown =
        format!("HOOKWIRE_CONFIG = {}: expects a TOML file that can be read", missing.display());
    assert!(by_variable[0].starts_with(&shown), "{by_variable:?}");
    let by_argument = told(load_in(folder.path(), None, Some(missing)));
    assert!(by_argument[0].starts_with("configuration file = "), "{by_argument:?}");
}

#[test]
#[should_panic(expected = "listne is read but not among the keys")]
fn reading_a_key_that_is_not_declared_is_found_by_any_test() {
    load([], "").optional::<String>("listne");
}

#[test]
#[should_panic(expected = "push_audience has no default")]
fn reading_a_value_without_a_default_is_found_by_any_test() {
    load([], "").value::<String>("push_audience");
}

#[test]
fn a_mistake_does_not_show_the_password_in_an_address() {
    struct Never;
    impl FromSetting for Never {
        const EXPECTS: &'static str = "something else";
        fn from_text(_text: &str) -> Result<Self, String> {
            Err(String::new())
        }
    }
    let address = format!("redis://user:hunter2{}@host:1/0", "x".repeat(80));
    for origin in [
        Origin::given([("HOOKWIRE_PUSH_AUDIENCE", address.as_str())], ""),
        Origin::given([], &format!("push_audience = \"{address}\"")),
    ] {
        let settings = Settings::load(&KEYS, &["sources"], origin);
        let _refused: Option<Never> = settings.optional("push_audience");
        let told = settings.finish().unwrap_err().to_string();
        assert!(told.contains("redis://…@host:1/0") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn several_secrets_are_given_in_the_table_or_in_variables_and_no_comma_divides_one() {
    let file = "[[sources]]\nsecret = ['a,b', 'c']\nsecret_env = ['SHOP', 'HOOKWIRE_SHOP']";
    let settings = load([("SHOP", "d,e"), ("HOOKWIRE_SHOP", "f"), ("OTHER", "g")], file);
    let tables = settings.tables("sources", &SOURCE_KEYS);
    assert_eq!(tables[0].several::<String>("secret"), ["a,b", "c"]);
    assert_eq!(tables[0].several_in_variables::<String>("secret_env", "secret"), ["d,e", "f"]);
    assert!(tables[0].is_set("secret") && !tables[0].is_set("name"));
    drop(tables);
    assert_eq!(settings.finish().unwrap(), [], "a variable that is read is not said to be ignored");
}

#[test]
fn a_secret_that_is_missing_or_wrong_is_told_and_never_shown() {
    let file = "[[sources]]\nsecret = []\nsecret_env = 'hunter2'\n\
                [[sources]]\nsecret = ['hunter2']\nsecret_env = 'SHOP'";
    let settings = load([("SHOP", "hunter2")], file);
    let tables = settings.tables("sources", &SOURCE_KEYS);
    for table in &tables {
        assert!(table.several::<Talkative>("secret").is_empty());
        assert!(table.several_in_variables::<Talkative>("secret_env", "secret").is_empty());
    }
    drop(tables);
    let told = told(settings);
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told[1].contains("must name variables that are set"), "{told:#?}");
    assert!(told[3].starts_with("SHOP = …"), "{told:#?}");
    assert!(!told.join("").contains("hunter2"), "{told:#?}");
}
