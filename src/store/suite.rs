//! What every store must do, whatever it is made of. `store_suite!` runs it on one.

use jiff::{SignedDuration, Timestamp};

use super::{
    Commit, Delivery, DocumentKind, DocumentUpdate, Embedded, IncidentFilter, LookState, Looks, NewWork, Occasion, Place, Recorded,
    Settled, SlotBody, SlotUpdate, Store, StoreError, WorkKind,
};
use crate::model::{
    Alert, AlertId, AlertStatus, AuditEntry, Inbound, Incident, IncidentId, IncidentState, Investigation, InvestigationId,
    InvestigationStatus, Member, Message, Origin, Priority, RawRecord, RecordSource, Request, Routing, ThreadRef,
};

pub fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn record(number: u64, key: &str) -> RawRecord {
    RawRecord {
        id: AlertId(u128::from(number).into()),
        source: RecordSource::Api,
        dedup_key: key.to_owned(),
        received_at: now(),
        team: String::new(),
        inbound: Inbound::Alerts { alerts: vec![Alert { name: "HighLatency".to_owned(), ..Alert::default() }], follow_up: false },
    }
}

pub fn incident(id: u64, fingerprint: &str) -> Incident {
    Incident {
        id: IncidentId(id),
        fingerprint: fingerprint.to_owned(),
        title: format!("Pods of checkout restart {id}"),
        service: "checkout".to_owned(),
        namespace: "shop".to_owned(),
        priority: Priority::P1,
        channel: "C1".to_owned(),
        ..Incident::opened(Alert::default(), now())
    }
}

fn message(text: &str) -> SlotBody {
    SlotBody::Message(Message { text: text.to_owned(), parts: Vec::new() })
}

fn slot(key: &str, place: Place, text: &str) -> SlotUpdate {
    SlotUpdate { key: key.to_owned(), incident: IncidentId(1), team: String::new(), channel: "C1".to_owned(), place, body: message(text) }
}

async fn put(store: &impl Store, incidents: Vec<Incident>) -> super::Result<Vec<Incident>> {
    store.commit(Commit { incidents, ..Commit::default() }).await
}

pub async fn a_record_is_kept_once_and_becomes_work(store: &impl Store) {
    let first = record(1, "Ev1");
    assert_eq!(store.record(&first, Priority::P1).await.unwrap(), Recorded::Fresh);
    assert_eq!(store.record(&record(2, "Ev1"), Priority::P1).await.unwrap(), Recorded::Duplicate(AlertId(1u128.into())));
    assert_eq!(store.load_record(first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.load_record(AlertId(9u128.into())).await.unwrap(), None);
    let open = store.unfinished(now(), 10).await.unwrap();
    assert_eq!(open, [(WorkKind::Record(first.id).id(), Priority::P1)]);
}

pub async fn urgent_work_is_listed_first(store: &impl Store) {
    store.record(&record(1, "a"), Priority::P3).await.unwrap();
    store.record(&record(2, "b"), Priority::P0).await.unwrap();
    store.record(&record(3, "c"), Priority::P0).await.unwrap();
    let order: Vec<String> = store.unfinished(now(), 2).await.unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(order, [WorkKind::Record(AlertId(2u128.into())).id(), WorkKind::Record(AlertId(3u128.into())).id()]);
}

pub async fn a_claim_excludes_others_until_its_lease_ends_and_fences_the_late(store: &impl Store) {
    store.record(&record(1, "a"), Priority::P1).await.unwrap();
    let id = WorkKind::Record(AlertId(1u128.into())).id();
    let first = store.claim(&id, now(), later(60)).await.unwrap().expect("free");
    assert_eq!(first.attempts, 1);
    assert!(store.claim(&id, later(59), later(120)).await.unwrap().is_none());
    assert!(store.unfinished(later(59), 10).await.unwrap().is_empty());
    assert_eq!(store.unfinished(later(60), 10).await.unwrap().len(), 1, "a dead worker's work is found again");
    let second = store.claim(&id, later(60), later(120)).await.unwrap().expect("the lease has ended");
    let late = store.commit(Commit { done: Some(first.clone()), incidents: vec![incident(1, "f")], ..Commit::default() }).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
    assert!(store.incident(IncidentId(1)).await.unwrap().is_none(), "nothing of a fenced commit has happened");
    assert!(matches!(store.give_back(&first, "late", None).await, Err(StoreError::Fenced)));
    store.commit(Commit { done: Some(second), ..Commit::default() }).await.unwrap();
    assert!(store.unfinished(later(9999), 10).await.unwrap().is_empty());
    assert!(store.claim(&id, later(9999), later(10_000)).await.unwrap().is_none(), "done work stays done");
}

pub async fn a_new_life_takes_over_what_the_old_one_held(store: &impl Store) {
    store.record(&record(1, "a"), Priority::P1).await.unwrap();
    let id = WorkKind::Record(AlertId(1u128.into())).id();
    let old = store.claim(&id, now(), later(60)).await.unwrap().expect("free");
    store.take_over().await.unwrap();
    let new = store.claim(&id, later(1), later(61)).await.unwrap().expect("the old lease is void");
    assert!(matches!(store.commit(Commit { done: Some(old), ..Commit::default() }).await, Err(StoreError::Fenced)));
    store.commit(Commit { done: Some(new), ..Commit::default() }).await.unwrap();
}

pub async fn work_that_failed_waits_or_is_put_aside(store: &impl Store) {
    store.record(&record(1, "a"), Priority::P1).await.unwrap();
    let id = WorkKind::Record(AlertId(1u128.into())).id();
    let work = store.claim(&id, now(), later(60)).await.unwrap().unwrap();
    store.give_back(&work, "no disk", Some(later(30))).await.unwrap();
    assert!(store.unfinished(later(29), 10).await.unwrap().is_empty());
    let again = store.claim(&id, later(30), later(90)).await.unwrap().expect("due again");
    assert_eq!(again.attempts, 2);
    store.give_back(&again, "hopeless", None).await.unwrap();
    assert!(store.unfinished(later(9999), 10).await.unwrap().is_empty());
}

pub async fn an_incident_is_changed_only_from_the_state_that_was_read(store: &impl Store) {
    let stored = put(store, vec![incident(1, "f")]).await.unwrap().remove(0);
    assert_eq!(stored.version, 1);
    let mut mine = stored.clone();
    mine.owner = Some("U1".to_owned());
    let mine = put(store, vec![mine]).await.unwrap().remove(0);
    assert!(matches!(put(store, vec![stored]).await, Err(StoreError::Conflict)));
    assert_eq!(store.incident(IncidentId(1)).await.unwrap(), Some(mine));
}

pub async fn a_fingerprint_has_one_open_incident(store: &impl Store) {
    let mut first = put(store, vec![incident(1, "f")]).await.unwrap().remove(0);
    assert!(matches!(put(store, vec![incident(2, "f")]).await, Err(StoreError::Conflict)));
    assert_eq!(store.incident_of("f").await.unwrap().map(|found| found.id), Some(IncidentId(1)));
    first.state = IncidentState::Resolved;
    put(store, vec![first]).await.unwrap();
    assert!(store.incident_of("f").await.unwrap().unwrap().state.is_closed(), "the closed one is still known");
    assert!(store.incident_of("g").await.unwrap().is_none());
    put(store, vec![incident(2, "f")]).await.unwrap();
    assert_eq!(store.incident_of("f").await.unwrap().map(|found| found.id), Some(IncidentId(2)));
    let open = IncidentFilter { open: true, ..IncidentFilter::default() };
    assert_eq!(store.incidents(&open).await.unwrap().len(), 1);
    let all: Vec<u64> = store.incidents(&IncidentFilter::default()).await.unwrap().iter().map(|found| found.id.0).collect();
    assert_eq!(all, [2, 1], "newest first");
    let other = IncidentFilter { service: Some("orders".to_owned()), ..IncidentFilter::default() };
    assert!(store.incidents(&other).await.unwrap().is_empty());
}

pub async fn a_commit_is_all_or_nothing(store: &impl Store) {
    put(store, vec![incident(1, "f")]).await.unwrap();
    let commit = Commit {
        incidents: vec![incident(2, "g"), incident(3, "f")],
        enqueue: vec![NewWork::now(WorkKind::Record(AlertId(5u128.into())), Priority::P0)],
        slots: vec![slot("INC-1/card", Place::Root, "x")],
        ..Commit::default()
    };
    assert!(matches!(store.commit(commit).await, Err(StoreError::Conflict)));
    assert!(store.incident(IncidentId(2)).await.unwrap().is_none());
    assert!(store.unfinished(now(), 10).await.unwrap().is_empty());
    assert!(store.due_slots(now(), 10).await.unwrap().is_empty());
}

pub async fn incident_numbers_never_repeat(store: &(impl Store + Clone + 'static)) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let store = store.clone();
        tasks.spawn(async move { store.reserve_incident_ids(3).await.unwrap() });
    }
    let mut seen: Vec<IncidentId> = tasks.join_all().await;
    seen.sort();
    assert!(seen.windows(2).all(|pair| pair[1].0 >= pair[0].0 + 3), "{seen:?}");
}

pub async fn an_investigation_is_kept_whole(store: &impl Store) {
    let investigation = Investigation {
        id: InvestigationId(7u128.into()),
        request: Request::question("why?"),
        status: InvestigationStatus::Partial,
        routing: Routing { agents: vec!["database".to_owned()], reasons: vec!["because".to_owned()] },
        tool_calls: Vec::new(),
        evidence: Vec::new(),
        hypotheses: Vec::new(),
        impact: String::new(),
        gaps: vec!["no logs".to_owned()],
        ruled_out: Vec::new(),
        activity: crate::model::Activity::default(),
        narrowed: String::new(),
        now: Some(now()),
        duration_ms: 3,
    };
    store.commit(Commit { investigation: Some(Box::new(investigation.clone())), ..Commit::default() }).await.unwrap();
    assert_eq!(store.investigation(investigation.id).await.unwrap(), Some(investigation));
    assert_eq!(store.investigation(InvestigationId(8u128.into())).await.unwrap(), None);
}

pub async fn only_past_incidents_are_similar(store: &impl Store) {
    let mut past = incident(1, "a");
    past.state = IncidentState::Resolved;
    let mut other = incident(2, "b");
    other.title = "certificate of gateway expired".to_owned();
    other.service = "gateway".to_owned();
    other.state = IncidentState::Resolved;
    put(store, vec![past, other, incident(3, "c")]).await.unwrap();
    let found = store.similar("checkout pods restart", 5).await.unwrap();
    assert_eq!(found.iter().map(|similar| similar.incident.0).collect::<Vec<_>>(), [1]);
    for hostile in ["", "\" OR 1=1 --", "NEAR(", "a*b:c^2 -x", "«»", &"word ".repeat(10_000)] {
        store.similar(hostile, 5).await.unwrap();
    }
}

pub async fn a_card_leads_its_thread(store: &impl Store) {
    let slots = vec![slot("INC-1/report/1", Place::UnderCard, "report"), slot("INC-1/card", Place::Root, "card")];
    store.commit(Commit { slots, ..Commit::default() }).await.unwrap();
    let keys = |slots: Vec<super::Slot>| slots.into_iter().map(|slot| slot.key).collect::<Vec<_>>();
    assert_eq!(keys(store.due_slots(now(), 10).await.unwrap()), ["INC-1/card"]);
    store.slot_sent("INC-1/card", 1, "100.1", "").await.unwrap();
    let due = store.due_slots(now(), 10).await.unwrap();
    assert_eq!(due[0].card_ts.as_deref(), Some("100.1"));
    assert_eq!(keys(due), ["INC-1/report/1"]);
}

pub async fn a_slot_is_due_until_its_newest_wording_is_out(store: &impl Store) {
    let wish = |text: &str| Commit { slots: vec![slot("INC-1/card", Place::Root, text)], ..Commit::default() };
    store.commit(wish("one")).await.unwrap();
    store.slot_started("INC-1/card").await.unwrap();
    assert!(store.slot("INC-1/card").await.unwrap().unwrap().in_doubt, "a crash now leaves a trace");
    store.commit(wish("two")).await.unwrap();
    store.slot_sent("INC-1/card", 1, "100.1", "").await.unwrap();
    let due = store.due_slots(now(), 10).await.unwrap();
    assert_eq!((due[0].version, due[0].sent_version, due[0].ts.as_deref(), due[0].in_doubt), (2, 1, Some("100.1"), false));
    store.slot_sent("INC-1/card", 2, "100.1", "").await.unwrap();
    assert!(store.due_slots(now(), 10).await.unwrap().is_empty());
    store.commit(wish("two")).await.unwrap();
    assert!(store.due_slots(now(), 10).await.unwrap().is_empty(), "the same wording again is nothing to send");
}

pub async fn work_handed_back_is_no_failure(store: &impl Store) {
    store.record(&record(1, "a"), Priority::P1).await.unwrap();
    let id = WorkKind::Record(AlertId(1u128.into())).id();
    for _ in 0..20 {
        let work = store.claim(&id, now(), later(60)).await.unwrap().expect("due at once");
        assert_eq!(work.failures, 0);
        store.hand_back(&work).await.unwrap();
    }
    let work = store.claim(&id, now(), later(60)).await.unwrap().unwrap();
    store.give_back(&work, "x", Some(now())).await.unwrap();
    assert_eq!(store.claim(&id, now(), later(60)).await.unwrap().unwrap().failures, 1);
}

pub async fn a_message_that_is_gone_is_posted_anew(store: &impl Store) {
    store.commit(Commit { slots: vec![slot("INC-1/card", Place::Thread("1.0".into()), "one")], ..Commit::default() }).await.unwrap();
    store.slot_sent("INC-1/card", 1, "100.1", "").await.unwrap();
    store.slot_lost("INC-1/card", &Place::Root).await.unwrap();
    let due = store.due_slots(now(), 10).await.unwrap();
    assert_eq!((due[0].ts.as_deref(), &due[0].place, due[0].in_doubt), (None, &Place::Root, false));
}

pub async fn a_busy_channel_does_not_starve_another(store: &impl Store) {
    let one = |number: u64, channel: &str| SlotUpdate {
        key: format!("INC-{number}/card"),
        incident: IncidentId(number),
        team: String::new(),
        channel: channel.to_owned(),
        place: Place::Root,
        body: message("x"),
    };
    let mut slots: Vec<SlotUpdate> = (0..300).map(|number| one(number, "C1")).collect();
    slots.push(one(900, "C2"));
    let reaction = |number: u64| SlotUpdate {
        key: format!("INC-{number}/reaction"),
        body: SlotBody::Reaction { ts: "1.1".to_owned(), name: Some("eyes".to_owned()) },
        ..one(number, "C3")
    };
    slots.extend((0..20).map(reaction));
    slots.push(one(901, "C3"));
    store.commit(Commit { slots, ..Commit::default() }).await.unwrap();
    let due = store.due_slots(now(), 200).await.unwrap();
    assert!(due.iter().any(|slot| slot.channel == "C2"));
    assert!(due.iter().any(|slot| slot.key == "INC-901/card"), "reactions do not crowd out messages");
    let keys: std::collections::BTreeSet<&str> = due.iter().map(|slot| slot.delivery.as_str()).collect();
    assert_eq!(keys.len(), due.len(), "every slot has a mark of its own");
}

pub async fn old_and_finished_rows_are_forgotten(store: &impl Store) {
    store.record(&record(1, "done"), Priority::P1).await.unwrap();
    store.record(&record(2, "open"), Priority::P1).await.unwrap();
    let id = WorkKind::Record(AlertId(1u128.into())).id();
    let work = store.claim(&id, now(), later(60)).await.unwrap().unwrap();
    store.commit(Commit { done: Some(work), ..Commit::default() }).await.unwrap();
    assert_eq!(store.prune(now()).await.unwrap(), 0, "nothing is older than itself");
    store.prune(later(1)).await.unwrap();
    assert!(store.load_record(AlertId(1u128.into())).await.unwrap().is_none());
    assert!(store.load_record(AlertId(2u128.into())).await.unwrap().is_some(), "what is not done stays");
}

pub async fn an_incident_is_found_by_its_alerts_its_keys_and_its_thread(store: &impl Store) {
    let mut first = incident(1, "f");
    first.keys = vec!["service:shop/checkout".to_owned(), "node:n1".to_owned()];
    first.thread = Some(ThreadRef { channel: "C1".to_owned(), ts: "1.1".to_owned() });
    let member = |fingerprint: &str, count| Member {
        incident: IncidentId(1),
        fingerprint: fingerprint.to_owned(),
        name: "HighLatency".to_owned(),
        summary: String::new(),
        service: "checkout".to_owned(),
        namespace: "shop".to_owned(),
        resource: String::new(),
        status: AlertStatus::Firing,
        count,
        first_at: now(),
        last_at: now(),
        origin: Origin::Webhook,
        reason: String::new(),
        starts_at: None,
    };
    let members = vec![member("f", 1), member("g", 1)];
    let mut first = store.commit(Commit { incidents: vec![first], members, ..Commit::default() }).await.unwrap().remove(0);
    store.commit(Commit { members: vec![member("g", 7)], ..Commit::default() }).await.unwrap();
    assert_eq!(store.incident_of("g").await.unwrap().map(|found| found.id), Some(IncidentId(1)));
    assert_eq!(store.member(IncidentId(1), "g").await.unwrap().map(|found| found.count), Some(7));
    assert_eq!(store.member(IncidentId(2), "g").await.unwrap(), None);
    let names: Vec<String> = store.members(IncidentId(1), 0, 10).await.unwrap().into_iter().map(|found| found.fingerprint).collect();
    assert_eq!(names, ["f", "g"], "in the order in which they joined");
    assert_eq!(store.members(IncidentId(1), 1, 10).await.unwrap().len(), 1);
    let keys = |key: &str| vec!["service:other".to_owned(), key.to_owned()];
    assert_eq!(store.incidents_with_keys(&keys("node:n1")).await.unwrap().len(), 1);
    assert!(store.incidents_with_keys(&keys("node:n2")).await.unwrap().is_empty());
    assert_eq!(store.incidents_in_thread("C1", "1.1").await.unwrap().len(), 1);
    assert!(store.incidents_in_thread("C1", "").await.unwrap().is_empty());
    first.state = IncidentState::Resolved;
    put(store, vec![first]).await.unwrap();
    assert!(store.incidents_with_keys(&keys("node:n1")).await.unwrap().is_empty(), "nothing joins what is over");
    assert_eq!(store.incidents_in_thread("C1", "1.1").await.unwrap().len(), 1, "its thread is still its thread");
}

pub async fn incidents_are_listed_by_owner_and_age(store: &impl Store) {
    let mut mine = incident(1, "a");
    mine.owner = Some("U1".to_owned());
    mine.opened_at = later(-3600);
    put(store, vec![mine, incident(2, "b")]).await.unwrap();
    let of =
        |filter: IncidentFilter| async move { store.incidents(&filter).await.unwrap().iter().map(|found| found.id.0).collect::<Vec<_>>() };
    assert_eq!(of(IncidentFilter { owner: Some("U1".to_owned()), ..IncidentFilter::default() }).await, [1]);
    assert_eq!(of(IncidentFilter { since: Some(later(-60)), ..IncidentFilter::default() }).await, [2]);
}

pub async fn incidents_are_found_by_what_they_are_and_paged_by_number(store: &impl Store) {
    for number in 1..=7 {
        let mut made = incident(number, &format!("f{number}"));
        made.priority = if number % 2 == 0 { Priority::P0 } else { Priority::P2 };
        made.opened_at = later(i64::try_from(number).unwrap());
        if number > 5 {
            made.state = IncidentState::Resolved;
        }
        put(store, vec![made]).await.unwrap();
    }
    let found = async |filter: IncidentFilter| -> Vec<u64> {
        store.incidents(&filter).await.unwrap().into_iter().map(|incident| incident.id.0).collect()
    };
    let all = IncidentFilter::default;
    assert_eq!(found(IncidentFilter { limit: 3, ..all() }).await, [7, 6, 5]);
    assert_eq!(found(IncidentFilter { limit: 3, before: Some(IncidentId(5)), ..all() }).await, [4, 3, 2]);
    assert_eq!(found(IncidentFilter { state: Some(IncidentState::Resolved), ..all() }).await, [7, 6]);
    assert_eq!(found(IncidentFilter { priority: Some(Priority::P0), open: true, ..all() }).await, [4, 2]);
    assert_eq!(found(IncidentFilter { since: Some(later(2)), until: Some(later(4)), ..all() }).await, [3, 2]);
    assert_eq!(found(IncidentFilter { text: Some("restart 3".to_owned()), ..all() }).await, [3]);
    assert_eq!(found(IncidentFilter { text: Some("\" OR * ()".to_owned()), ..all() }).await, [0u64; 0]);
}

pub async fn investigations_are_listed_as_work(store: &impl Store) {
    let of = |incident: u64, investigation: u64| WorkKind::Investigate {
        incident: IncidentId(incident),
        investigation: InvestigationId(u128::from(investigation).into()),
        occasion: Occasion::Alert,
    };
    let enqueue = [of(4, 1), of(42, 2), of(4, 3)].map(|kind| NewWork::now(kind, Priority::P1)).to_vec();
    store.commit(Commit { enqueue, ..Commit::default() }).await.unwrap();
    let running = store.claim(&of(4, 3).id(), now(), later(60)).await.unwrap().expect("free");
    let looks = async |which| -> Vec<(u64, LookState)> {
        let found = store.looks(which, now()).await.unwrap();
        found.into_iter().map(|look| (u64::try_from(look.investigation.0.0).unwrap(), look.state)).collect()
    };
    assert_eq!(looks(Looks::Of(IncidentId(4))).await, [(3, LookState::Running), (1, LookState::Waiting)]);
    store.commit(Commit { done: Some(running), ..Commit::default() }).await.unwrap();
    assert_eq!(looks(Looks::One(InvestigationId(3u128.into()))).await, [(3, LookState::Done)]);
    assert_eq!(looks(Looks::One(InvestigationId(9u128.into()))).await, []);
}

pub async fn documents_are_replaced_listed_and_taken_away(store: &impl Store) {
    let write = |key: &str, body: Option<serde_json::Value>| Commit {
        documents: vec![DocumentUpdate { kind: DocumentKind::Silence, key: key.to_owned(), body }],
        ..Commit::default()
    };
    store.commit(write("a", Some(1.into()))).await.unwrap();
    store.commit(write("b", Some(2.into()))).await.unwrap();
    store.commit(write("a", Some(3.into()))).await.unwrap();
    let found = store.documents(DocumentKind::Silence, 10).await.unwrap();
    assert_eq!(found.iter().map(|document| document.key.as_str()).collect::<Vec<_>>(), ["a", "b"], "the one written last first");
    assert!(found[0].sequence > found[1].sequence);
    assert_eq!(store.document(DocumentKind::Silence, "a").await.unwrap().map(|document| document.body), Some(3.into()));
    assert!(store.documents(DocumentKind::Storm, 10).await.unwrap().is_empty());
    store.commit(write("a", None)).await.unwrap();
    assert_eq!(store.document(DocumentKind::Silence, "a").await.unwrap(), None);
}

pub async fn the_audit_log_keeps_its_order(store: &impl Store) {
    let entry = |act: &str, object: &str| AuditEntry {
        at: now(),
        actor: "U1".to_owned(),
        act: act.to_owned(),
        object: object.to_owned(),
        outcome: "done".to_owned(),
        detail: String::new(),
    };
    let audit = vec![entry("acknowledge", "INC-1"), entry("resolve", "INC-1"), entry("resolve", "INC-2")];
    store.commit(Commit { audit, ..Commit::default() }).await.unwrap();
    let acts = |entries: Vec<AuditEntry>| entries.into_iter().map(|entry| entry.act).collect::<Vec<_>>();
    assert_eq!(acts(store.audit(Some("INC-1"), 10).await.unwrap()), ["resolve", "acknowledge"]);
    assert_eq!(store.audit(None, 2).await.unwrap().len(), 2);
}

pub async fn a_message_that_failed_waits_or_gives_up(store: &impl Store) {
    store.commit(Commit { slots: vec![slot("INC-1/card", Place::Root, "one")], ..Commit::default() }).await.unwrap();
    store.slot_failed("INC-1/card", "ratelimited", false, Some(later(30))).await.unwrap();
    assert!(store.due_slots(later(29), 10).await.unwrap().is_empty());
    assert_eq!(store.due_slots(later(30), 10).await.unwrap().len(), 1);
    store.slot_failed("INC-1/card", "channel_not_found", false, None).await.unwrap();
    assert!(store.due_slots(later(9999), 10).await.unwrap().is_empty());
    store.commit(Commit { slots: vec![slot("INC-1/card", Place::Root, "two")], ..Commit::default() }).await.unwrap();
    assert_eq!(store.due_slots(now(), 10).await.unwrap().len(), 1, "a new wording is tried afresh");
}

fn delivery(key: &str) -> Delivery {
    Delivery {
        sequence: 0,
        source: RecordSource::SlackEvents,
        key: key.to_owned(),
        team: "T1".to_owned(),
        received_at: now(),
        body: format!("{{\"text\": \"{key}\"}}"),
    }
}

pub async fn a_delivery_waits_until_it_is_settled_and_has_one_effect(store: &impl Store) {
    for key in ["Ev1", "Ev2", "Ev1"] {
        store.deliver(delivery(key)).await.unwrap();
    }
    let waiting = store.deliveries(10).await.unwrap();
    assert_eq!(waiting.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["Ev1", "Ev2", "Ev1"], "in the order of arrival");
    let expected = Delivery { sequence: waiting[1].sequence, ..delivery("Ev2") };
    assert_eq!(waiting[1], expected);
    assert_eq!(store.deliveries(2).await.unwrap().len(), 2);
    let settled: Vec<Settled> = waiting
        .iter()
        .zip(1..)
        .map(|(one, number)| Settled {
            sequence: one.sequence,
            key: one.key.clone(),
            record: (one.key == "Ev1").then(|| (record(number, &one.key), Priority::P1)),
        })
        .collect();
    let outcome = store.settle(settled.clone()).await.unwrap();
    assert_eq!(outcome, [Recorded::Fresh, Recorded::Duplicate(AlertId(1u128.into()))]);
    assert!(store.deliveries(10).await.unwrap().is_empty());
    assert_eq!(store.unfinished(now(), 10).await.unwrap().len(), 1);
    store.deliver(delivery("Ev3")).await.unwrap();
    // Another reader that was slower: what it read is settled already, and what came since is not its own.
    let late = store.settle(settled).await.unwrap();
    assert!(late.iter().all(|outcome| matches!(outcome, Recorded::Duplicate(_))), "{late:?}");
    assert_eq!(store.deliveries(10).await.unwrap().len(), 1);
}

macro_rules! store_suite {
    ($name:ident, $make:expr, [$($test:ident),* $(,)?]) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $test() {
                    let (_keep, store) = $make;
                    super::$test(&store).await;
                    store_is_alive(&store).await;
                }
            )*

            use crate::store::Store;
            async fn store_is_alive(store: &impl Store) {
                store.ping().await.unwrap();
            }
        }
    };
}

fn embedded() -> (tempfile::TempDir, Embedded) {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&folder.path().join("store.db")).unwrap();
    (folder, store)
}

store_suite!(
    embedded_store,
    super::embedded(),
    [
        a_record_is_kept_once_and_becomes_work,
        urgent_work_is_listed_first,
        a_claim_excludes_others_until_its_lease_ends_and_fences_the_late,
        a_new_life_takes_over_what_the_old_one_held,
        work_that_failed_waits_or_is_put_aside,
        an_incident_is_changed_only_from_the_state_that_was_read,
        a_fingerprint_has_one_open_incident,
        a_commit_is_all_or_nothing,
        incident_numbers_never_repeat,
        an_investigation_is_kept_whole,
        only_past_incidents_are_similar,
        a_card_leads_its_thread,
        a_slot_is_due_until_its_newest_wording_is_out,
        a_message_that_failed_waits_or_gives_up,
        work_handed_back_is_no_failure,
        a_message_that_is_gone_is_posted_anew,
        a_busy_channel_does_not_starve_another,
        old_and_finished_rows_are_forgotten,
        an_incident_is_found_by_its_alerts_its_keys_and_its_thread,
        incidents_are_listed_by_owner_and_age,
        incidents_are_found_by_what_they_are_and_paged_by_number,
        investigations_are_listed_as_work,
        documents_are_replaced_listed_and_taken_away,
        the_audit_log_keeps_its_order,
        a_delivery_waits_until_it_is_settled_and_has_one_effect,
    ]
);
