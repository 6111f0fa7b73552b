use super::Embedded;
use crate::{
    model::{Alert, AlertId, Inbound, Priority, RawRecord, RecordSource},
    store::{Store, StoreError, suite},
};

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/store.db");
    let record = RawRecord {
        id: AlertId(1u128.into()),
        source: RecordSource::SlackEvents,
        dedup_key: "Ev1".to_owned(),
        received_at: suite::now(),
        team: String::new(),
        inbound: Inbound::Alerts { alerts: vec![Alert::default()], follow_up: false },
    };
    Embedded::open(&path).unwrap().record(&record, Priority::P2).await.unwrap();
    let again = Embedded::open(&path).unwrap();
    assert_eq!(again.load_record(record.id).await.unwrap(), Some(record));
    assert_eq!(again.unfinished(suite::now(), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn many_writers_share_commits_and_each_gets_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&folder.path().join("store.db")).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200u64 {
        let store = store.clone();
        tasks.spawn(async move {
            let record = RawRecord {
                id: AlertId(u128::from(number).into()),
                source: RecordSource::Api,
                dedup_key: (number / 2).to_string(),
                received_at: suite::now(),
                team: String::new(),
                inbound: Inbound::Alerts { alerts: Vec::new(), follow_up: false },
            };
            store.record(&record, Priority::P1).await.unwrap() == crate::store::Recorded::Fresh
        });
    }
    let fresh = tasks.join_all().await.into_iter().filter(|fresh| *fresh).count();
    assert_eq!(fresh, 100, "each key was taken once");
    assert_eq!(store.unfinished(suite::now(), 1000).await.unwrap().len(), 100);
}

#[test]
fn a_file_that_is_no_store_or_too_new_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    std::fs::write(&path, "this is not a database, but it is long enough to look at").unwrap();
    assert!(matches!(Embedded::open(&path), Err(StoreError::Unavailable(_))));
    let newer = folder.path().join("newer.db");
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let Err(error) = Embedded::open(&newer) else { panic!("accepted") };
    assert!(error.to_string().contains("newer version"), "{error}");
}
