//! Runbooks, from the report's button to the verified change: who may, what exactly, once, and everybody can see it afterwards.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use sre_agent::{
    model::{Run, RunId, RunState},
    store::{Anchor, DocumentKind, Embedded, Store, audit},
};

use crate::{
    acts::reported,
    fakes::kubernetes::FakeCluster,
    world::{ALICE, World, is_ours, shown},
};

const BOB: &str = "U02BOB";
const CAROL: &str = "U03CAROL";
const TOKEN: &str = "token-of-the-runbooks";
const ROLL_BACK: &str = "prepare_roll-back-workload";

fn deployment(memory: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "checkout"}}, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}},
            "template": {"metadata": {"labels": {"app": "checkout"}},
                "spec": {"containers": [{"name": "checkout", "image": "shop/checkout:1.4.2", "resources": {"limits": {"memory": memory}}}]}}}})
}

/// A cluster whose second revision of checkout has too little memory; `rights` are those of the runbooks' account.
async fn shop(rights: &[&str]) -> FakeCluster {
    let cluster = FakeCluster::start("reader").await;
    cluster.rights(TOKEN, "system:serviceaccount:sre:runbooks", rights);
    cluster.put(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {}}));
    cluster.put(deployment("512Mi"));
    cluster.settle();
    let mut second = cluster.object("Deployment", "shop", "checkout").unwrap();
    second["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = json!("128Mi");
    let generation = second["metadata"]["generation"].as_u64().unwrap_or(1);
    second["metadata"]["generation"] = json!(generation + 1);
    cluster.put(second);
    cluster.settle_failing("CrashLoopBackOff");
    cluster.forget_writes();
    cluster
}

/// Alice and Bob are developers; `more` are further lines of the settings.
async fn world(cluster: &FakeCluster, more: &str) -> World {
    let mut world = World::unstarted().await;
    let settings = fs::read_to_string(world.settings_file()).unwrap();
    let access = "access: {people: {U01ALICE: [developer], U02BOB: [developer]}}";
    let actions = format!("actions: {{kubernetes: {{main: {{url: '{}', token: {TOKEN}}}}}}}", cluster.url);
    fs::write(world.settings_file(), format!("{settings}{access}\n{actions}\n{more}\n")).unwrap();
    world.start_service().await;
    world
}

impl World {
    /// Alice has the runbook of this button prepared; `values` are what she writes into its form.
    async fn prepares(&self, report: &Value, button: &str, values: Value) {
        self.press(ALICE, report["ts"].as_str().unwrap(), button).await;
        let (view, _) = self.modal(ALICE, "Nothing is changed yet").await;
        let delivery = self.slack.submit_view(ALICE, &view, values).await.unwrap();
        assert_eq!(delivery.status, Some(200));
    }

    /// The run's message with `text`.
    async fn run_shows(&self, ts: &str, text: &str) -> (String, String) {
        let message = self.says_in_thread(ts, text).await;
        (message["ts"].as_str().unwrap().to_owned(), shown(&message))
    }

    pub async fn only_run(&self) -> Run {
        let documents = self.store().documents(DocumentKind::Run, 10).await.unwrap();
        assert_eq!(documents.len(), 1);
        serde_json::from_value(documents[0].body.clone()).unwrap()
    }

    pub async fn run_is(&self, state: RunState) -> Run {
        for _ in 0..600 {
            let documents = self.store().documents(DocumentKind::Run, 10).await.unwrap();
            if let Some(run) =
                documents.iter().filter_map(|one| serde_json::from_value::<Run>(one.body.clone()).ok()).find(|run| run.state == state)
            {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("waited in vain for {state:?}: {:#?}", self.store().documents(DocumentKind::Run, 10).await.unwrap());
    }
}

fn taken(cluster: &FakeCluster) -> usize {
    cluster.writes().iter().filter(|write| write.took_effect()).count()
}

/// Lets the cluster's controllers work as soon as something was written.
async fn settles_after(cluster: &FakeCluster, writes: usize) {
    for _ in 0..600 {
        if taken(cluster) >= writes {
            cluster.settle();
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing was written: {:#?}", cluster.writes());
}

#[tokio::test]
async fn a_second_person_approves_exactly_what_was_shown_and_it_is_done_once_verified_and_audited() {
    let cluster = shop(&["get,list *", "patch deployments shop"]).await;
    let world = world(&cluster, "").await;
    let (ts, _, report) = reported(&world).await;
    world.prepares(&report, ROLL_BACK, json!({})).await;
    let (message, text) = world.run_shows(&ts, "A second person must approve").await;
    for part in [
        "Roll back the workload",
        "shop/checkout",
        "risk high",
        "INC-1",
        "accepted by the API server",
        "- containers.checkout.resources.limits.memory: 128Mi",
        "+ containers.checkout.resources.limits.memory: 512Mi",
        "back to revision 1 (now 2); 2 pods are replaced step by step (maxUnavailable 1, maxSurge 1)",
        "Verified afterwards: all pods ready and no restart for 10 s",
    ] {
        assert!(text.contains(part), "`{part}` is not in {text}");
    }
    assert_eq!(taken(&cluster), 0, "a dry run changes nothing");
    assert!(cluster.writes().iter().all(|write| write.dry_run()) && !cluster.writes().is_empty());
    // The one who asked, and one who may not, are refused and hear why.
    world.press(ALICE, &message, "run_approve").await;
    world.hears(ALICE, "you asked for it yourself: a second person must approve").await;
    world.press(CAROL, &message, "run_approve").await;
    world.hears(CAROL, "approval:decide").await;
    assert_eq!(taken(&cluster), 0);
    world.press(BOB, &message, "run_approve").await;
    world.hears(BOB, "You approved").await;
    settles_after(&cluster, 1).await;
    for _ in 0..8 {
        // It must stay well for a while; the clock is moved, not waited for.
        world.advance(4);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let done = world.says_in_thread(&ts, "2 of 2 pods ready, no restart").await;
    assert!(shown(&done).contains("approved by <@U02BOB>"), "{}", shown(&done));
    assert_eq!(taken(&cluster), 1, "{:#?}", cluster.writes());
    let now = cluster.object("Deployment", "shop", "checkout").unwrap();
    assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"], "512Mi");
    let run = world.run_is(RunState::Done).await;
    // Once more, and by somebody else: it was used.
    let command = format!("approve {} {}", run.id, run.hash);
    world.slack.command(BOB, &world.channel, "/sre", &command).await.unwrap();
    world.hears(BOB, "not waiting for approval any more (it is done)").await;
    let again = sre_agent::runbooks::Approved::of(&run, run.requested_at);
    assert!(again.is_err(), "a run that is done is not approved any more");
    let acts: Vec<String> = world.audit().await.iter().map(|line| format!("{} {} {}", line.actor, line.act, line.outcome)).collect();
    for line in [
        "U01ALICE runbook_request done",
        "sre-agent runbook_dry_run done",
        "U01ALICE runbook_approve refused",
        "U03CAROL runbook_approve refused",
        "U02BOB runbook_approve done",
        "sre-agent runbook_step begun",
        "sre-agent runbook_step applied",
        "sre-agent runbook_step verified",
        "sre-agent runbook_run done",
    ] {
        assert!(acts.iter().any(|act| act == line), "`{line}` is not in {acts:#?}");
    }
    let whole = audit::verify(&world.store(), &[]).await.unwrap().unwrap();
    assert!(whole.lines >= 9);
    assert!(world.incident().await.timeline.iter().any(|entry| entry.text.starts_with("Done: Roll back the workload shop/checkout")));
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_not_touched() {
    let cluster = shop(&["* *"]).await;
    let world = world(&cluster, "").await;
    let (ts, _, report) = reported(&world).await;
    world.prepares(&report, ROLL_BACK, json!({})).await;
    let (message, _) = world.run_shows(&ts, "A second person must approve").await;
    let mut other = cluster.object("Deployment", "shop", "checkout").unwrap();
    other["spec"]["template"]["spec"]["containers"][0]["image"] = json!("shop/checkout:1.4.3");
    cluster.put(other);
    world.press(BOB, &message, "run_approve").await;
    world.says_in_thread(&ts, "was changed since the dry run").await;
    assert_eq!(taken(&cluster), 0, "{:#?}", cluster.writes());
    assert_eq!(world.run_is(RunState::Void).await.state, RunState::Void);
}

#[tokio::test]
async fn a_status_that_moves_is_no_change_and_a_conflict_is_tried_again() {
    let cluster = shop(&["* *"]).await;
    let world = world(&cluster, "").await;
    let (ts, _, report) = reported(&world).await;
    world.prepares(&report, ROLL_BACK, json!({})).await;
    let (message, _) = world.run_shows(&ts, "A second person must approve").await;
    let mut busy = cluster.object("Deployment", "shop", "checkout").unwrap();
    busy["status"]["conditions"] = json!([{"type": "Available", "status": "False"}]);
    busy["spec"]["replicas"] = json!(3);
    cluster.put(busy);
    cluster.fail_next_write("deployments", 409, 1);
    world.press(BOB, &message, "run_approve").await;
    settles_after(&cluster, 1).await;
    assert_eq!(taken(&cluster), 1);
}

#[tokio::test]
async fn one_no_is_enough_and_time_runs_out() {
    let cluster = shop(&["* *"]).await;
    let world = world(&cluster, "").await;
    let (ts, _, report) = reported(&world).await;
    world.prepares(&report, ROLL_BACK, json!({})).await;
    let (message, _) = world.run_shows(&ts, "A second person must approve").await;
    world.press(BOB, &message, "run_deny").await;
    world.hears(BOB, "You denied").await;
    let (_, text) = world.run_shows(&ts, "Denied").await;
    assert!(text.contains("denied by <@U02BOB>"), "{text}");
    world.prepares(&report, "prepare_raise-memory-limit", json!({"container": "checkout", "memory": "256Mi"})).await;
    let (message, _) = world.run_shows(&ts, "A second person must approve").await;
    world.advance(15 * 60 + 1);
    let _ = message;
    world.run_shows(&ts, "Expired: nobody approved it in time").await;
    assert_eq!(taken(&cluster), 0);
}

#[tokio::test]
async fn what_the_form_does_not_take_is_said_in_the_form() {
    let cluster = shop(&["* *"]).await;
    let world = world(&cluster, "").await;
    let (_, _, report) = reported(&world).await;
    world.press(ALICE, report["ts"].as_str().unwrap(), "prepare_raise-memory-limit").await;
    let (view, shown_view) = world.modal(ALICE, "Nothing is changed yet").await;
    let form = shown_view.to_string();
    assert!(form.contains("\"checkout\"") && form.contains("\"shop\""), "the evidence fills it in: {form}");
    let delivery = world.slack.submit_view(ALICE, &view, json!({"memory": "a lot; rm -rf /"})).await.unwrap();
    let answer = format!("{delivery:?}");
    assert!(answer.contains("must match"), "{answer}");
    assert!(world.store().documents(DocumentKind::Run, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rollout_that_does_not_work_is_taken_back() {
    let cluster = shop(&["* *"]).await;
    let world = world(&cluster, "").await;
    let (ts, _, report) = reported(&world).await;
    world.prepares(&report, "prepare_raise-memory-limit", json!({"container": "checkout", "memory": "192Mi"})).await;
    let (message, _) = world.run_shows(&ts, "A second person must approve").await;
    world.press(BOB, &message, "run_approve").await;
    for _ in 0..600 {
        if taken(&cluster) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cluster.settle_failing("CrashLoopBackOff");
    world.run_is(RunState::Running).await;
    world.advance(11 * 60);
    let line = world.says_in_thread(&ts, "Taken back:").await;
    assert!(shown(&line).contains("deployment/checkout is as it was before"), "{}", shown(&line));
    assert_eq!(taken(&cluster), 2);
    let now = cluster.object("Deployment", "shop", "checkout").unwrap();
    assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"], "128Mi");
}

#[tokio::test]
async fn what_somebody_repaired_after_the_step_is_not_taken_back() {
    let cluster = shop(&["* *"]).await;
    let world = world(&cluster, "").await;
    let (ts, _, report) = reported(&world).await;
    world.prepares(&report, "prepare_raise-memory-limit", json!({"container": "checkout", "memory": "192Mi"})).await;
    let (message, _) = world.run_shows(&ts, "A second person must approve").await;
    world.press(BOB, &message, "run_approve").await;
    for _ in 0..600 {
        if taken(&cluster) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // `kubectl edit` leaves the mark of the run where it is.
    let mut hotfix = cluster.object("Deployment", "shop", "checkout").unwrap();
    assert!(hotfix["metadata"]["annotations"]["sre-agent/run"].is_string(), "{hotfix}");
    hotfix["spec"]["template"]["spec"]["containers"][0]["image"] = json!("shop/checkout:1.4.3");
    hotfix["metadata"]["generation"] = json!(hotfix["metadata"]["generation"].as_u64().unwrap() + 1);
    cluster.put(hotfix);
    cluster.settle_failing("CrashLoopBackOff");
    world.run_is(RunState::Running).await;
    world.advance(11 * 60);
    world.says_in_thread(&ts, "somebody else has changed deployment/checkout since").await;
    assert_eq!(taken(&cluster), 1, "{:#?}", cluster.writes());
    assert_eq!(world.run_is(RunState::Failed).await.state, RunState::Failed);
}

#[tokio::test]
async fn an_answer_that_is_lost_and_a_process_that_ends_do_it_once() {
    let cluster = shop(&["* *"]).await;
    let mut world = world(&cluster, "").await;
    let (ts, _, report) = reported(&world).await;
    world.prepares(&report, ROLL_BACK, json!({})).await;
    let (message, _) = world.run_shows(&ts, "A second person must approve").await;
    cluster.lose_answer("deployments");
    world.press(BOB, &message, "run_approve").await;
    for _ in 0..600 {
        if taken(&cluster) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The process ends while it waits for the answer.
    world.abandon_service().await;
    cluster.settle();
    world.start_service().await;
    world.advance(61);
    for _ in 0..8 {
        world.advance(4);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    world.run_is(RunState::Done).await;
    assert_eq!(taken(&cluster), 1, "{:#?}", cluster.writes());
    let _ = ts;
}

#[tokio::test]
async fn a_role_that_is_lost_meanwhile_and_a_cluster_that_does_not_allow_it() {
    let cluster = shop(&["get,list *"]).await;
    let mut world = world(&cluster, "").await;
    let (ts, _, report) = reported(&world).await;
    world.prepares(&report, ROLL_BACK, json!({})).await;
    let (_, text) = world.run_shows(&ts, "Failed").await;
    assert!(text.contains("not allowed to patch deployments"), "{text}");
    cluster.rights(TOKEN, "system:serviceaccount:sre:runbooks", &["* *"]);
    world.prepares(&report, ROLL_BACK, json!({})).await;
    let (message, _) = world.run_shows(&ts, "A second person must approve").await;
    // Bob approves; before a worker looks, he is no developer any more.
    world.stop_service().await;
    let settings = fs::read_to_string(world.settings_file()).unwrap();
    fs::write(world.settings_file(), settings.replace("U02BOB: [developer]", "U02BOB: [user]")).unwrap();
    world.start_service().await;
    world.press(BOB, &message, "run_approve").await;
    world.hears(BOB, "approval:decide").await;
    assert_eq!(taken(&cluster), 0);
}

#[tokio::test]
async fn nobody_without_the_role_may_ask() {
    let cluster = shop(&["* *"]).await;
    let world = world(&cluster, "").await;
    reported(&world).await;
    world.slack.command(CAROL, &world.channel, "/sre", "run roll-back-workload INC-1").await.unwrap();
    world.hears(CAROL, "runbook:request").await;
    world.slack.command(ALICE, &world.channel, "/sre", "run rol-back-workload INC-1").await.unwrap();
    world.hears(ALICE, "did you mean roll-back-workload?").await;
    world.slack.command(ALICE, &world.channel, "/sre", "run roll-back-workload INC-1 namespace=../../etc").await.unwrap();
    world.hears(ALICE, "must match").await;
    assert!(cluster.writes().is_empty());
    let refused = world.audit().await.into_iter().filter(|line| line.outcome == "refused").count();
    assert_eq!(refused, 3, "{:#?}", world.audit().await);
}

#[tokio::test]
async fn an_audit_log_that_was_tampered_with_is_found_out() {
    let cluster = shop(&["* *"]).await;
    let mut world = world(&cluster, "").await;
    let (ts, card, _) = reported(&world).await;
    for (action, shows) in [("ack", "Unacknowledge"), ("unack", "Reported"), ("resolve", "Resolved")] {
        world.press(ALICE, &card, action).await;
        world.card_shows(&ts, shows).await;
    }
    world.stop_service().await;
    let path = world.folder.path().join("store.db");
    let whole = audit::verify(&Embedded::open(&path).unwrap(), &[]).await.unwrap().unwrap();
    let anchor = whole.head.unwrap();
    let tampered = async |sql: &str| {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(&format!("VACUUM INTO '{}'", copy.display())).unwrap();
        rusqlite::Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
        let store = Embedded::open(&copy).unwrap();
        let judged = audit::verify(&store, std::slice::from_ref(&anchor)).await.unwrap();
        judged.map(|_| ()).map_err(|broken| broken.to_string())
    };
    assert_eq!(tampered("SELECT 1").await, Ok(()));
    for (sql, word) in [
        ("UPDATE audit SET doc = replace(doc, 'acknowledge', 'escalate') WHERE seq = 2", "was changed"),
        ("DELETE FROM audit WHERE seq = 2", "is missing"),
        (
            "UPDATE audit SET seq = 1000 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 1000",
            "was changed",
        ),
        ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", "cut off"),
        ("DELETE FROM audit WHERE seq > 1; UPDATE sqlite_sequence SET seq = 1 WHERE name = 'audit'", "cut off"),
    ] {
        let judged = tampered(sql).await;
        assert!(judged.as_ref().is_err_and(|says| says.contains(word)), "{sql}: {judged:?}");
    }
    let forged = Anchor { sequence: 1, hash: "0".repeat(64) };
    let judged = audit::verify(&Embedded::open(&path).unwrap(), &[forged]).await.unwrap();
    assert!(judged.unwrap_err().to_string().contains("not the one that was anchored"));
}

#[tokio::test]
async fn nothing_is_done_when_the_audit_log_cannot_be_written() {
    let cluster = shop(&["* *"]).await;
    let world = world(&cluster, "").await;
    let (ts, _, report) = reported(&world).await;
    world.prepares(&report, ROLL_BACK, json!({})).await;
    let (message, _) = world.run_shows(&ts, "A second person must approve").await;
    // A disk that takes no more lines into the audit log, and everything else.
    let connection = rusqlite::Connection::open(world.folder.path().join("store.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection
        .execute_batch("CREATE TRIGGER no_room BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
        .unwrap();
    let before = cluster.writes().len();
    world.press(BOB, &message, "run_approve").await;
    // Analysis goes on: another alert is answered, while nothing is changed.
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(cluster.writes().len(), before);
    assert_eq!(world.only_run().await.state, RunState::Waiting);
    connection.execute_batch("DROP TRIGGER no_room").unwrap();
    world.advance(30);
    settles_after(&cluster, 1).await;
    assert_eq!(taken(&cluster), 1);
}

#[test]
fn a_runs_id_is_read_back() {
    let id: RunId = "01JH5Y4N6X8C2V7B9M3K0Q1W2E".parse().unwrap();
    assert_eq!(id.to_string(), "01JH5Y4N6X8C2V7B9M3K0Q1W2E");
    let _ = is_ours;
}
