//! Names of everything kept here.
//!
//! A subject, a ticket, and what a limit counts may name a person or let somebody in, so a keyed hash stands for each.

use hookwire_redis::Keys;
use hookwire_state::InstanceId;

pub(crate) fn limit(keys: &Keys, scope: &str, key: &str) -> String {
    keys.key(&tag(keys, key), &format!("limit:{scope}"))
}

/// The leases of a subject's streams.
pub(crate) fn streams(keys: &Keys, subject: &str) -> String {
    keys.key(&tag(keys, subject), "streams")
}

/// The mailbox of an instance, whose number means nothing to anybody else.
pub(crate) fn mailbox(keys: &Keys, instance: InstanceId) -> String {
    keys.key(&format!("{:016x}", instance.0), "evicted")
}

/// The cursors that a subject's clients left.
pub(crate) fn cursors(keys: &Keys, subject: &str) -> String {
    keys.key(&tag(keys, subject), "cursors")
}

/// A client of a subject, as a field of its cursors.
pub(crate) fn client(keys: &Keys, client: &str) -> String {
    tag(keys, client)
}

pub(crate) fn ticket(keys: &Keys, ticket: &str) -> String {
    keys.key(&tag(keys, ticket), "ticket")
}

pub(crate) fn revocations(keys: &Keys) -> String {
    keys.key("revocations", "added")
}

fn tag(keys: &Keys, name: &str) -> String {
    keys.tag(&[name.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_shows_who_it_is_about_and_no_two_things_share_one() {
        let (keys, alice) = (Keys::new("hookwire", "secret"), "alice@example.com");
        let mut names = vec![
            limit(&keys, "connects", alice),
            limit(&keys, "publishes", alice),
            streams(&keys, alice),
            cursors(&keys, alice),
            ticket(&keys, alice),
            mailbox(&keys, InstanceId(7)),
            revocations(&keys),
        ];
        for name in &names {
            let is_namespaced = name.starts_with("hookwire:{") && name.contains("}:");
            assert!(is_namespaced && !name.contains("alice"), "{name}");
        }
        let fields = [client(&keys, "alice's phone"), client(&keys, "alice's desk")];
        assert!(fields[0] != fields[1] && fields.iter().all(|field| !field.contains("alice")));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
