//! Whatever is printed for a log names nobody.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hookwire_state::{
    Cursors, Holder, InstanceId, Lease, MemoryState, OpenStreams, Over, Revocation, Revoke,
    Revoked, StreamId, StreamsConfig, Tickets,
};

fn names_nobody(printed: &dyn Debug) {
    for printed in [format!("{printed:?}"), format!("{printed:#?}")] {
        assert!(!printed.contains("alice") && !printed.contains("secret"), "{printed}");
    }
}

#[tokio::test]
async fn what_knows_of_users_prints_none_of_them() {
    let user = || "acme\0alice@example.com".to_owned();
    let holder = Holder { subject: user(), token: Some("secret".into()), issued_at: None };
    let stream = StreamId { instance: InstanceId(7), n: 1 };
    let [of_user, of_token] = [Revoke::Subject(user()), Revoke::Token("acme\0secret".into())];
    let revocation = Revocation { of: of_user.clone(), at_ms: 1 };
    let revoked = Revoked::default();
    revoked.learn(&revocation);
    let state = Arc::new(MemoryState::default());
    let config = StreamsConfig {
        most: 3,
        over: Over::EvictOldest,
        lease: Duration::from_secs(30),
        longest_token: Duration::from_hours(24),
        leeway: Duration::ZERO,
    };
    let open = Arc::new(OpenStreams::new(config, Arc::clone(&state) as _, Arc::clone(&state) as _));
    let place = open.open(holder.clone()).await.unwrap();
    state.put(&user(), "alice's phone", "1-1").await.unwrap();
    state.spend("secret", config.lease).await.unwrap();
    open.revoke(of_user.clone(), SystemTime::now()).await.unwrap();
    let lease = Lease { subject: user(), stream, since_us: 1 };
    let printed: [&dyn Debug; 9] =
        [&holder, &lease, &of_user, &of_token, &revocation, &revoked, &state, &open, &place];
    printed.into_iter().for_each(names_nobody);
    assert_eq!(format!("{lease:?}"), format!("Lease {{ stream: {stream:?}, since_us: 1, .. }}"));
    assert_eq!(format!("{revocation:?}"), "Revocation { of: Subject(…), at_ms: 1 }");
}
