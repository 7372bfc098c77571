//! What a process keeps for itself.

use hookwire_state::{Mark, MemoryState, Revocation, Revocations, Revoke};

hookwire_state::conformance!(MemoryState::default());

#[tokio::test]
async fn revocations_in_a_file_survive_a_restart_and_a_line_that_was_cut_short() {
    let path = std::env::temp_dir().join(format!("hookwire-revocations-{}", std::process::id()));
    let revocation = |name: &str| Revocation { of: Revoke::Subject(name.into()), at_ms: 7 };
    let kept = [revocation("acme\0one two"), revocation("\0three")];
    let state = MemoryState::with_revocations_in(&path).unwrap();
    state.revoke(&kept[0]).await.unwrap();
    drop(state);
    let cut = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut &cut, b"\n12 subj").unwrap();
    let state = MemoryState::with_revocations_in(&path).unwrap();
    state.revoke(&kept[1]).await.unwrap();
    let state = MemoryState::with_revocations_in(&path).unwrap();
    let (read, _) = state.after(&Mark::default()).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read, kept);
}
