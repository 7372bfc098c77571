//! Which topics a pattern means, and for whom.

use hookwire_event::Topic;
use hookwire_grant::{InvalidPattern, TopicPattern};
use proptest::prelude::*;

fn matches(pattern: &str, name: &str, user: &str) -> bool {
    TopicPattern::parse(pattern).unwrap().matches(name, user)
}

#[test]
fn a_pattern_means_the_topics_it_describes_and_no_others() {
    for (pattern, name, expected) in [
        ("orders/7", "orders/7", true),
        ("orders/7", "orders/77", false),
        ("orders/7", "Orders/7", false),
        ("orders/7", "orders", false),
        ("orders/7", "orders/7/lines", false),
        ("*", "orders", true),
        ("*", "orders/7", false),
        ("orders/*", "orders/7", true),
        ("orders/*", "orders", false),
        ("orders/*", "orders/7/lines", false),
        ("orders/*/lines", "orders/7/lines", true),
        ("orders/*/lines", "orders/7/8/lines", false),
        ("*/*", "a/b", true),
        ("*/*", "a", false),
        ("**", "a", true),
        ("**", "a/b/c", true),
        ("a/**", "a", false),
        ("a/**", "a/b", true),
        ("a/**", "a/b/c", true),
        ("a/**", "ab/c", false),
        ("a/*/**", "a/b", false),
        ("a/*/**", "a/b/c", true),
        ("{sub}", "alice", true),
        ("{sub}", "bob", false),
        ("user-{sub}", "user-alice", true),
        ("user-{sub}", "user-", false),
        ("{sub}-inbox", "alice-inbox", true),
        ("{sub}{sub}", "alicealice", true),
        ("{sub}{sub}", "alice", false),
        ("{sub}/{sub}/**", "alice/alice/a", true),
        ("{sub}/{sub}/**", "alice/bob/a", false),
        ("a.b", "axb", false),
        ("a%2Fb", "a%2Fb", true),
        ("a%2Fb", "a/b", false),
        ("größe/*", "größe/𝄞", true),
    ] {
        assert_eq!(matches(pattern, name, "alice"), expected, "{pattern} {name}");
    }
}

#[test]
fn a_user_does_not_reach_over_its_segment() {
    for (pattern, name, user, expected) in [
        ("u/{sub}", "u/a/b", "a/b", false),
        ("u/{sub}", "u/a%2Fb", "a/b", true),
        ("u/{sub}", "u/a%2Fb", "a%2Fb", false),
        ("u/{sub}", "u/anything", "*", false),
        ("u/{sub}", "u/a/b", "**", false),
        ("u/{sub}", "u/%2A", "*", true),
        ("{sub}", "a", "**", false),
        ("u/{sub}", "u/{sub}", "alice", false),
        ("u/{sub}", "u/{sub}", "{sub}", true),
        ("u/{sub}/private", "u/a/private", "a/private", false),
        ("u/{sub}", "u/ ", " ", false),
        ("u/{sub}", "u/..", "..", true),
    ] {
        assert_eq!(matches(pattern, name, user), expected, "{pattern} {name} {user}");
    }
}

#[test]
fn what_means_something_else_than_it_seems_is_no_pattern() {
    for (text, rule) in [
        ("", InvalidPattern::Empty),
        (&*"a".repeat(257), InvalidPattern::TooLong),
        ("/", InvalidPattern::EmptySegment),
        ("/a", InvalidPattern::EmptySegment),
        ("a/", InvalidPattern::EmptySegment),
        ("a//b", InvalidPattern::EmptySegment),
        ("/**", InvalidPattern::EmptySegment),
        ("**/", InvalidPattern::Star),
        ("a b", InvalidPattern::Forbidden),
        ("a\n", InvalidPattern::Forbidden),
        ("a\0b", InvalidPattern::Forbidden),
        ("\u{85}", InvalidPattern::Forbidden),
        ("**/a", InvalidPattern::Star),
        ("**/**", InvalidPattern::Star),
        ("***", InvalidPattern::Star),
        ("a*", InvalidPattern::Star),
        ("*a", InvalidPattern::Star),
        ("a/b*/c", InvalidPattern::Star),
        ("a**", InvalidPattern::Star),
        ("{sub}*", InvalidPattern::Star),
        ("{", InvalidPattern::Brace),
        ("a}", InvalidPattern::Brace),
        ("{}", InvalidPattern::Brace),
        ("{user}", InvalidPattern::Brace),
        ("{Sub}", InvalidPattern::Brace),
        ("{ sub }", InvalidPattern::Brace),
        ("{{sub}}", InvalidPattern::Brace),
        ("{sub}}", InvalidPattern::Brace),
        ("{su/b}", InvalidPattern::Brace),
        ("{s{sub}ub}", InvalidPattern::Brace),
    ] {
        assert_eq!(TopicPattern::parse(text), Err(rule), "{text:?}");
    }
}

/// What a pattern means, word by word from its description.
fn model(pattern: &[String], name: &[String], user: &str) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([last], [_, ..]) if last == "**" => true,
        ([first, pattern @ ..], [segment, name @ ..]) => {
            let described = first.replace("{sub}", &Topic::escape_segment(user));
            (first == "*" || described == *segment) && model(pattern, name, user)
        }
        _ => false,
    }
}

fn is_pattern(segments: &[String]) -> bool {
    let whole = |segment: &String| {
        let literal = segment.replace("{sub}", "u");
        segment == "*" || (!literal.is_empty() && !literal.contains(['*', '{', '}', ' ']))
    };
    match segments {
        [] => false,
        [all] if all == "**" => true,
        [before @ .., last] if last == "**" => before.iter().all(whole),
        segments => segments.iter().all(whole),
    }
}

/// Few texts, so that patterns, names and users meet often.
fn segments(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(of).prop_map(String::from), 1..5)
}

const PATTERN_SEGMENTS: [&str; 14] = [
    "a",
    "b",
    "*",
    "*",
    "**",
    "{sub}",
    "a{sub}",
    "{sub}b",
    "{sub}{sub}",
    "",
    "a*",
    "{",
    "{a}",
    " ",
];
const NAME_SEGMENTS: [&str; 12] =
    ["a", "b", "ab", "aa", "aab", "abb", "a%2Fb", "aa%2Fb", "%2A", "%2Ab", "{sub}", "%2A%2A"];
const USERS: [&str; 9] = ["a", "b", "ab", "a/b", "*", "**", "{sub}", "a%2Fb", " "];

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_means_what_its_description_says(
        pattern in segments(&PATTERN_SEGMENTS),
        name in segments(&NAME_SEGMENTS),
        user in prop::sample::select(&USERS[..]),
    ) {
        let parsed = TopicPattern::parse(&pattern.join("/"));
        prop_assert_eq!(parsed.is_ok(), is_pattern(&pattern), "{:?}", &pattern);
        if let Ok(parsed) = parsed {
            prop_assert_eq!(parsed.matches(&name.join("/"), user), model(&pattern, &name, user));
            prop_assert_eq!(parsed.as_str(), pattern.join("/"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_user_has_one_topic_of_its_own_and_no_other_users(user in ".{1,20}", other in ".{1,20}") {
        let inbox = TopicPattern::parse("inbox/{sub}").unwrap();
        let name = format!("inbox/{}", Topic::escape_segment(&user));
        prop_assert!(inbox.matches(&name, &user));
        prop_assert_eq!(inbox.matches(&name, &other), user == other);
        let below = format!("{name}/more");
        prop_assert!(!inbox.matches(&below, &user));
    }

    #[test]
    fn a_name_is_a_pattern_of_itself_alone(
        name in "[a-z%.]{1,4}(/[a-z%.]{1,4}){0,3}",
        other in "[a-z%.]{1,4}(/[a-z%.]{1,4}){0,3}",
    ) {
        prop_assert!(matches(&name, &name, "a"));
        prop_assert_eq!(matches(&name, &other, "a"), name == other);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[ab/*{}sub\\PC]{0,30}", name in ".{0,40}", user in ".{0,20}") {
        if let Ok(pattern) = TopicPattern::parse(&text) {
            let _matched = pattern.matches(&name, &user);
            prop_assert_eq!(pattern.as_str(), text);
        }
    }
}
