use hookwire_tests::RelayOptions;

use super::{doctor, doctor_anywhere};

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let found = doctor(folder.path(), &[("HOOKWIRE_LOG", "fjall:./file/data")]).await;
    found.expect("bad", "log", "cannot be written");
    assert_eq!(found.incidents(), ["log-broken"]);
    let found = doctor_anywhere(&[("HOOKWIRE_LOG", "fjall:/proc/data")]).await;
    found.expect("bad", "log", "cannot be written");
}

#[tokio::test]
async fn a_folder_that_a_relay_has_open_is_as_it_should_be_and_one_that_another_process_has_is_not()
{
    let mut relay = RelayOptions::default().on_disk().start().await;
    let log = ("HOOKWIRE_LOG", "fjall:./hookwire-data");
    let found = doctor(relay.folder(), &[log, ("HOOKWIRE_LISTEN", relay.address())]).await;
    found.expect("ok", "log", "a running process has it open");
    found.expect("ok", "listen", "says that it is ready");
    let found = doctor(relay.folder(), &[log]).await;
    found.expect("bad", "log", "another process");
    relay.kill().await;
    doctor(relay.folder(), &[log]).await.expect("ok", "log", "no process has it open");
    relay.restart().await;
    relay.publish("a", "1", &serde_json::json!(1)).await;
}
