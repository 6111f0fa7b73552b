//! Made-up content for every page, rich, fresh and hostile: for the tests, and to look at.

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::views::*;

/// The time that all of it happens at.
pub fn now() -> Timestamp {
    "2026-11-27T06:21:00Z".parse().unwrap_or_default()
}

fn before(minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(minutes)).unwrap_or_default()
}

fn seconds_before(seconds: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_secs(seconds)).unwrap_or_default()
}

fn texts(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn choices(entries: &[(&str, &str)], chosen: &str) -> Vec<Choice> {
    let of = |(value, label): &(&str, &str)| Choice { value: (*value).to_owned(), label: (*label).to_owned(), chosen: *value == chosen };
    entries.iter().map(of).collect()
}

fn sure(share: f64, word: &str) -> Confidence {
    Confidence { share, word: word.to_owned() }
}

pub fn frame(here: Option<Place>) -> Frame {
    Frame {
        product: "sre-agent".to_owned(),
        version: "0.1.0+g3f9c1d2".to_owned(),
        person: Some(Person { name: "Ada Byron".to_owned(), roles: texts(&["developer", "on-call"]) }),
        csrf: Csrf("c5f0a1".to_owned()),
        here,
        places: vec![Place::Incidents, Place::Approvals, Place::Agents, Place::Accuracy, Place::Audit],
        badges: Badges { incidents: 3, approvals: 2, agents: 1 },
        notice: None,
        now: now(),
    }
}

/// What tries to break out of every place that a text can stand in.
pub const HOSTILE: &str = "\"><script>alert(1)</script>'><img src=x onerror=alert(2)>javascript:alert(3)";

pub fn hostile_frame(text: &str) -> Frame {
    let text = || text.to_owned();
    Frame {
        product: text(),
        version: text(),
        person: Some(Person { name: text(), roles: vec![text(), text()] }),
        csrf: Csrf(text()),
        here: Some(Place::Incidents),
        places: vec![Place::Incidents, Place::Approvals, Place::Agents, Place::Accuracy, Place::Audit],
        badges: Badges { incidents: u64::MAX, approvals: u64::MAX, agents: u64::MAX },
        notice: Some(Notice { tone: Tone::Bad, text: text() }),
        now: now(),
    }
}

/// The view with every text replaced; names of variants and times cannot be, and stay.
pub fn hostile<T: Serialize + DeserializeOwned + Clone>(view: &T, text: &str) -> T {
    let Ok(mut value) = serde_json::to_value(view) else { return view.clone() };
    let mut places = Vec::new();
    strings(&value, String::new(), &mut places);
    for place in places {
        let Some(old) = value.pointer_mut(&place).map(|spot| std::mem::replace(spot, Value::String(text.to_owned()))) else { continue };
        if serde_json::from_value::<T>(value.clone()).is_err()
            && let Some(spot) = value.pointer_mut(&place)
        {
            *spot = old;
        }
    }
    serde_json::from_value(value).unwrap_or_else(|_| view.clone())
}

/// The JSON pointers of all texts in a value.
pub fn strings(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::String(_) => places.push(at),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| strings(item, format!("{at}/{index}"), places)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| strings(field, format!("{at}/{name}"), places)),
        _ => {}
    }
}

pub fn sign_in() -> SignIn {
    SignIn { slack: true, token: true, error: None, next: "/incidents/INC-412".to_owned() }
}

pub fn sign_in_wrong() -> SignIn {
    let error = "The token has expired. Ask an administrator for a new one, or sign in with Slack.".to_owned();
    SignIn { error: Some(error), ..sign_in() }
}

pub fn incidents() -> Incidents {
    let states = [
        ("open", "Open"),
        ("investigating", "Investigating"),
        ("reported", "Reported"),
        ("acknowledged", "Acknowledged"),
        ("resolved", "Resolved"),
        ("silenced", "Silenced"),
        ("false_positive", "False positive"),
    ];
    let line = |id: &str,
                title: &str,
                cause: Option<(&str, f64, &str)>,
                state: (&str, Tone),
                priority: &str,
                service: &str,
                owner: Option<&str>,
                minutes,
                alerts| {
        IncidentRow::Incident(IncidentLine {
            id: id.to_owned(),
            title: title.to_owned(),
            cause: cause.map(|(statement, _, _)| statement.to_owned()),
            confidence: cause.map(|(_, share, word)| sure(share, word)),
            state: Mark::new(state.0, state.1),
            priority: priority.to_owned(),
            service: service.to_owned(),
            owner: owner.map(str::to_owned),
            opened_at: before(minutes),
            alerts,
        })
    };
    let reported = ("reported", Tone::Warn);
    let storm = StormLine {
        title: "Alert storm on node ip-10-0-3-7".to_owned(),
        shared: texts(&["node ip-10-0-3-7 (212 alerts)", "cluster prod-eu (231 alerts)"]),
        alerts: 231,
        incidents: 18,
        first: texts(&["INC-409", "INC-408", "INC-407"]),
        began: before(34),
        ended: Some(before(2)),
    };
    let rows = vec![
        line("INC-413", "HighErrorRate: checkout answers 5xx", None, ("investigating", Tone::Busy), "P0", "checkout", None, 1, 4),
        line(
            "INC-412",
            "KubePodCrashLooping: checkout-worker restarts",
            Some(("The container checkout-worker is killed because it needs more memory than its limit of 256 MiB.", 0.93, "high")),
            reported,
            "P1",
            "checkout-worker",
            Some("Ada Byron"),
            17,
            38,
        ),
        IncidentRow::Storm(StormLine { ended: None, ..storm.clone() }),
        line(
            "INC-406",
            "MongoDBReplicationLag: lag over 60 s on orders-2",
            Some(("An index build on orders.items keeps the secondary from applying the oplog.", 0.71, "medium")),
            ("acknowledged", Tone::Busy),
            "P2",
            "orders-db",
            Some("Grace Hopper"),
            190,
            12,
        ),
        line(
            "INC-405",
            "CertificateExpiry: api.example.org",
            Some(("The certificate of api.example.org ends in 3 days and its renewal is refused.", 0.88, "high")),
            ("silenced", Tone::Neutral),
            "P3",
            "gateway",
            Some("Grace Hopper"),
            1_500,
            1,
        ),
        IncidentRow::Storm(storm),
        line(
            "INC-401",
            "TargetDown: exporter-with-a-very-long-name-that-nobody-would-shorten.monitoring.svc.cluster.local",
            Some(("Nothing that was seen explains it well.", 0.31, "low")),
            ("resolved", Tone::Good),
            "P2",
            "node-exporter",
            None,
            5_900,
            2,
        ),
    ];
    Incidents {
        filters: IncidentFilters {
            states: choices(&states, ""),
            priorities: choices(&[("P0", "P0"), ("P1", "P1"), ("P2", "P2"), ("P3", "P3")], ""),
            service: String::new(),
            owner: String::new(),
            text: "node".to_owned(),
        },
        rows,
        paging: Paging { newer: Some("01J9Z3".to_owned()), older: Some("01J9A1".to_owned()) },
        total: Some(1_204),
    }
}

pub fn incident() -> Incident {
    Incident {
        id: "INC-412".to_owned(),
        title: "KubePodCrashLooping: checkout-worker restarts".to_owned(),
        headline: "checkout-worker is killed again and again: it needs more memory than its limit of 256 MiB".to_owned(),
        state: Mark::new("acknowledged", Tone::Busy),
        state_line: "Acknowledged by Ada Byron, 9 min after the first alert.".to_owned(),
        priority: "P1".to_owned(),
        service: "checkout-worker".to_owned(),
        namespace: "shop".to_owned(),
        cluster: "prod-eu".to_owned(),
        owner: Some("Ada Byron".to_owned()),
        opened_at: before(17),
        alerts: 38,
        acts: vec![Act::Acknowledge, Act::Resolve, Act::Reopen, Act::Rerun, Act::AssignToMe, Act::Silence],
        silences: choices(&[("30m", "30 minutes"), ("2h", "2 hours"), ("24h", "24 hours"), ("7d", "7 days")], "2h"),
        report: Some(report()),
        evidence: evidence(),
        timeline: timeline(),
        picture: Some(Picture {
            src: picture(),
            alt: "Timeline from 06:02 to 06:12: deploy at 06:02:10, memory rises, first kill at 06:04:03, alert at 06:04:40.".to_owned(),
        }),
        deeds: vec![
            Deed { at: before(8), who: "Ada Byron".to_owned(), text: "acknowledged it".to_owned() },
            Deed { at: before(5), who: "Grace Hopper".to_owned(), text: "prepared “Raise a memory limit”".to_owned() },
        ],
        runbooks: runbooks(),
        runs: vec![
            RunLine {
                id: "01J9RUN2".to_owned(),
                title: "Raise a memory limit".to_owned(),
                state: Mark::new("waits for approval", Tone::Warn),
                by: "Grace Hopper".to_owned(),
                at: before(5),
            },
            RunLine {
                id: "01J9RUN1".to_owned(),
                title: "Restart a workload".to_owned(),
                state: Mark::new("done", Tone::Good),
                by: "Ada Byron".to_owned(),
                at: before(12),
            },
        ],
        feedback: Feedback {
            allowed: true,
            given: vec![Given {
                at: before(3),
                by: "Grace Hopper".to_owned(),
                verdict: Mark::new("one hop short", Tone::Warn),
                note: "The new cache has no bound; the limit is fine.".to_owned(),
            }],
        },
        similar: vec![Similar {
            id: "INC-377".to_owned(),
            title: "KubePodCrashLooping: checkout-worker".to_owned(),
            why: "The same workload was killed for memory after a deploy.".to_owned(),
            at: before(24_000),
        }],
        exports: vec![Export::Markdown, Export::Json, Export::Postmortem],
    }
}

fn report() -> Report {
    let cause =
        |rank, statement: &str, category: &str, entity: &str, confidence, supporting: &[&str], contradicting: &[&str], falsifier: &str| {
            Cause {
                rank,
                statement: statement.to_owned(),
                category: category.to_owned(),
                entity: entity.to_owned(),
                confidence,
                supporting: texts(supporting),
                contradicting: texts(contradicting),
                falsifier: falsifier.to_owned(),
            }
        };
    Report {
        status: Mark::new("partial", Tone::Warn),
        took_ms: 4_300,
        causes: vec![
            cause(1, "The container checkout-worker is killed because it needs more memory than its limit of 256 MiB.", "oom_killed", "Pod shop/checkout-worker-7d9f6c", sure(0.93, "high"), &["E1", "E2", "E3"], &[], "A kill while its memory is far below the limit."),
            cause(2, "The deploy 2026.11.27-1 brought a cache without a bound.", "bad_deploy", "Deployment shop/checkout-worker", sure(0.64, "medium"), &["E4"], &["E5"], "The same growth before the deploy."),
            cause(3, "The node runs short of memory.", "node_pressure", "Node ip-10-0-3-7", sure(0.22, "low"), &["E9"], &["E5"], "No pressure on the node at that time."),
        ],
        impact: "12 % of the orders since 06:04 UTC wait longer than 30 s; checkout itself answers.".to_owned(),
        actions: vec![
            Step { text: "Raise the memory limit to 512 MiB, or take back the deploy:".to_owned(), command: false },
            Step { text: "kubectl -n shop rollout undo deployment/checkout-worker --to-revision=41  # the revision before 2026.11.27-1, which ran for six days".to_owned(), command: true },
        ],
        prevention: vec![
            Step { text: "Bound the cache by size and not by age.".to_owned(), command: false },
            Step { text: "Alert on memory above 85 % of the limit for 10 min.".to_owned(), command: false },
        ],
        ruled_out: texts(&["The network between checkout-worker and the queue: 0 of 1,200 connections failed.", "The database: no slow query since 05:00 UTC."]),
        gaps: texts(&["Traces: the tracing backend did not answer within 8 s."]),
    }
}

fn evidence() -> Vec<Evidence> {
    let one = |id: &str, kind: &str, source: &str, query: &str, summary: &str, excerpt: &str, link: Option<&str>, decisive| Evidence {
        id: id.to_owned(),
        kind: kind.to_owned(),
        source: source.to_owned(),
        query: query.to_owned(),
        entity: "Pod shop/checkout-worker-7d9f6c".to_owned(),
        time: Some(seconds_before(1_017)),
        until: Some(seconds_before(240)),
        summary: summary.to_owned(),
        excerpt: excerpt.to_owned(),
        link: link.map(str::to_owned),
        decisive,
    };
    vec![
        one(
            "E1",
            "condition",
            "kubernetes",
            "get pods -n shop",
            "checkout-worker was killed for memory (exit 137), 7 times in 13 min.",
            "lastState:\n  terminated:\n    exitCode: 137\n    reason: OOMKilled\n    startedAt: \"2026-11-27T06:09:12Z\"\n    finishedAt: \"2026-11-27T06:10:58Z\"",
            Some("https://grafana.example.org/d/pods?var-pod=checkout-worker"),
            true,
        ),
        one(
            "E2",
            "metric anomaly",
            "prometheus",
            "container_memory_working_set_bytes{namespace=\"shop\",container=\"checkout-worker\"}",
            "Memory rises from 110 MiB to 256 MiB within 100 s of every start.",
            "",
            Some("javascript:alert(1)"),
            false,
        ),
        one(
            "E3",
            "log pattern",
            "logs/checkout-worker.log",
            "",
            "“cache size” grows in every line until the log ends.",
            "2026-11-27T06:10:51Z INFO cache size=118 MiB entries=904,113 evicted=0 hit_rate=0.11 source=catalogue-service.shop.svc.cluster.local:8080\n2026-11-27T06:10:54Z INFO cache size=131 MiB entries=1,002,887 evicted=0 hit_rate=0.11\n2026-11-27T06:10:57Z INFO cache size=144 MiB entries=1,104,020 evicted=0 hit_rate=0.10",
            None,
            false,
        ),
        one(
            "E4",
            "change",
            "deploys",
            "",
            "2026.11.27-1 went out 113 s before the first kill.",
            "+ cache: unbounded\n- cache: lru(50_000)",
            None,
            false,
        ),
        one(
            "E5",
            "condition",
            "kubernetes",
            "get nodes",
            "ip-10-0-3-7 has no memory pressure; 41 % of its memory is free.",
            "",
            None,
            false,
        ),
    ]
}

fn timeline() -> Vec<Moment> {
    let moment = |seconds, text: &str, evidence: Option<&str>| Moment {
        at: seconds_before(seconds),
        text: text.to_owned(),
        evidence: evidence.map(str::to_owned),
    };
    vec![
        moment(1_130, "Deploy 2026.11.27-1 of checkout-worker.", Some("E4")),
        moment(1_060, "Memory begins to rise.", Some("E2")),
        moment(1_017, "First kill for memory.", Some("E1")),
        moment(980, "KubePodCrashLooping fires.", None),
        moment(240, "Seventh kill.", Some("E1")),
    ]
}

fn picture() -> String {
    // A drawing of one rectangle and one line, as the server's own picture would be.
    "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA2MDAgMTIwIiB3aWR0aD0iNjAwIiBoZWlnaHQ9IjEyMCI+PHJlY3Qgd2lkdGg9IjYwMCIgaGVpZ2h0PSIxMjAiIGZpbGw9IiNmZmYiLz48cGF0aCBkPSJNMjAgOTAgSDIwMCBMMzIwIDMwIEg1ODAiIGZpbGw9Im5vbmUiIHN0cm9rZT0iIzAwNzJiMiIgc3Ryb2tlLXdpZHRoPSI0Ii8+PC9zdmc+".to_owned()
}

fn runbooks() -> Vec<Runbook> {
    let field = |name: &str, label: &str, hint: &str, required, value: &str, kind, error: Option<&str>| Field {
        name: name.to_owned(),
        label: label.to_owned(),
        hint: hint.to_owned(),
        required,
        value: value.to_owned(),
        kind,
        error: error.map(str::to_owned),
    };
    vec![
        Runbook {
            id: "raise-memory-limit".to_owned(),
            title: "Raise a memory limit".to_owned(),
            what: "Sets the memory limit of one container and waits until the rollout is done.".to_owned(),
            risk: Mark::new("high", Tone::Bad),
            fields: vec![
                field(
                    "workload",
                    "Workload",
                    "Namespace and name: shop/checkout-worker.",
                    true,
                    "shop/checkout-worker",
                    FieldKind::Text { longest: 253 },
                    None,
                ),
                field(
                    "limit",
                    "New limit in MiB",
                    "At most four times the present limit.",
                    true,
                    "4096",
                    FieldKind::Number { min: Some(64), max: Some(1_024) },
                    Some("4096 is more than four times 256: name at most 1024."),
                ),
                field(
                    "strategy",
                    "Rollout",
                    "",
                    false,
                    "",
                    FieldKind::Select { options: choices(&[("rolling", "One pod after another"), ("all", "All at once")], "rolling") },
                    None,
                ),
            ],
            refusal: None,
        },
        Runbook {
            id: "undo-rollout".to_owned(),
            title: "Undo a rollout".to_owned(),
            what: "Goes back to the revision before.".to_owned(),
            risk: Mark::new("medium", Tone::Warn),
            fields: vec![field(
                "revision",
                "Revision",
                "Empty for the one before.",
                false,
                "",
                FieldKind::Number { min: Some(1), max: None },
                None,
            )],
            refusal: None,
        },
        Runbook {
            id: "drain-node".to_owned(),
            title: "Drain a node".to_owned(),
            what: "Moves every pod off a node.".to_owned(),
            risk: Mark::new("high", Tone::Bad),
            fields: Vec::new(),
            refusal: Some("it needs the role admin.".to_owned()),
        },
    ]
}

/// An incident of which nothing is known yet.
pub fn incident_new() -> Incident {
    Incident {
        id: "INC-413".to_owned(),
        title: "HighErrorRate: checkout answers 5xx".to_owned(),
        state: Mark::new("investigating", Tone::Busy),
        priority: "P0".to_owned(),
        opened_at: seconds_before(40),
        alerts: 1,
        ..Incident::default()
    }
}

fn diff() -> Diff {
    let text = " spec:\n   containers:\n   - name: checkout-worker\n     resources:\n       limits:\n-        memory: 256Mi\n+        memory: 512Mi\n       requests:\n-        memory: 128Mi\n+        memory: 256Mi  # so that the scheduler leaves room for what it needs, and the node is not overcommitted again";
    Diff::read(text, 10)
}

fn pending() -> Pending {
    Pending {
        id: "01J9RUN2".to_owned(),
        incident: Some("INC-412".to_owned()),
        title: "Raise a memory limit to 512 MiB".to_owned(),
        place: "prod-eu, shop/checkout-worker".to_owned(),
        risk: Mark::new("high", Tone::Bad),
        asked_by: "Grace Hopper".to_owned(),
        asked_at: before(5),
        expires_at: before(-10),
        agreed: "0 of 1 person".to_owned(),
        diff: diff(),
        verify: texts(&["No kill for memory within 5 min of the rollout.", "3 of 3 pods ready."]),
        hash: "9f2c4be07a55d1e3c1d6a8f4b0e97d2283c5f1a6e47b90cd12aa34bb56cc78dd".to_owned(),
        refusal: None,
        can_deny: true,
    }
}

pub fn approvals() -> Approvals {
    let own = Pending {
        id: "01J9RUN3".to_owned(),
        title: "Undo the rollout of checkout-worker".to_owned(),
        asked_by: "Ada Byron".to_owned(),
        refusal: Some("you asked for it yourself: a second person must approve".to_owned()),
        ..pending()
    };
    let decided = |id: &str, title: &str, outcome, by: &str, minutes, reason: &str| Decided {
        id: id.to_owned(),
        title: title.to_owned(),
        place: "prod-eu, shop/checkout-worker".to_owned(),
        outcome,
        by: by.to_owned(),
        at: before(minutes),
        reason: reason.to_owned(),
    };
    Approvals {
        pending: vec![pending(), own],
        decided: vec![
            decided("01J9RUN1", "Restart a workload", Mark::new("approved", Tone::Good), "Grace Hopper", 12, ""),
            decided(
                "01J9RUN0",
                "Drain node ip-10-0-3-7",
                Mark::new("denied", Tone::Bad),
                "Ada Byron",
                90,
                "The node is fine; it is the deploy.",
            ),
            decided("01J9RUNX", "Scale orders to 0", Mark::new("expired", Tone::Neutral), "", 4_000, ""),
        ],
    }
}

/// The page that asks to confirm the pending approval at this place of the list.
pub fn confirm(at: usize) -> Confirm {
    Confirm { pending: approvals().pending.get(at).cloned().unwrap_or_default() }
}

pub fn run() -> Run {
    let step = |title: &str, state, began: Option<i64>, ended: Option<i64>, said: &str| RunStep {
        title: title.to_owned(),
        state,
        began: began.map(seconds_before),
        ended: ended.map(seconds_before),
        said: said.to_owned(),
    };
    Run {
        id: "01J9RUN1".to_owned(),
        title: "Raise a memory limit to 512 MiB".to_owned(),
        incident: Some("INC-412".to_owned()),
        place: "prod-eu, shop/checkout-worker".to_owned(),
        risk: Mark::new("high", Tone::Bad),
        state: Mark::new("rolled back", Tone::Warn),
        asked_by: "Grace Hopper".to_owned(),
        asked_at: before(12),
        approved_by: texts(&["Ada Byron", "Katherine Johnson"]),
        ended_at: Some(before(4)),
        steps: vec![
            step("Check that nothing changed since the dry run", StepState::Done, Some(700), Some(699), ""),
            step(
                "Set the limit",
                StepState::RolledBack,
                Some(699),
                Some(690),
                "deployment.apps/checkout-worker patched, and set back to 256Mi",
            ),
            step(
                "Wait for the rollout",
                StepState::Failed,
                Some(690),
                Some(390),
                "1 of 3 pods is not ready after 300 s: FailedScheduling: 0/9 nodes are available: 9 Insufficient memory. preemption: 0/9 nodes are available: 9 No preemption victims found for incoming pod.",
            ),
            step("Watch for kills", StepState::Skipped, None, None, ""),
            step("Set the limit back", StepState::Running, Some(389), None, ""),
            step("Report to the thread", StepState::Waiting, None, None, ""),
        ],
        verification: Some(Verification {
            result: Mark::new("not fulfilled", Tone::Bad),
            said: "2 of 3 pods ready; wanted 3 of 3.".to_owned(),
            at: before(4),
        }),
        diff: diff(),
        hash: pending().hash,
    }
}

/// A run that has not begun.
pub fn run_new() -> Run {
    Run {
        id: "01J9RUN9".to_owned(),
        title: "Restart a workload".to_owned(),
        state: Mark::new("waits for approval", Tone::Warn),
        risk: Mark::new("low", Tone::Neutral),
        asked_by: "Ada Byron".to_owned(),
        asked_at: before(1),
        ..Run::default()
    }
}

pub fn agents() -> Agents {
    let figure = |label: &str, value: &str, unit: &str, note: &str, state: Option<(&str, Tone)>| Figure {
        label: label.to_owned(),
        value: value.to_owned(),
        unit: unit.to_owned(),
        note: note.to_owned(),
        state: state.map(|(word, tone)| Mark::new(word, tone)),
    };
    let system = |name: &str, kind: &str, state: (&str, Tone), said: &str, minutes, took| System {
        name: name.to_owned(),
        kind: kind.to_owned(),
        state: Mark::new(state.0, state.1),
        said: said.to_owned(),
        checked_at: Some(before(minutes)),
        took_ms: Some(took),
    };
    let specialist = |name: &str, takes: &str, tools: &[&str]| Specialist {
        name: name.to_owned(),
        takes: takes.to_owned(),
        tools: texts(tools),
        state: Mark::new("ready", Tone::Good),
    };
    Agents {
        figures: vec![
            figure("Queue", "4", "jobs", "2 under way", Some(("fine", Tone::Good))),
            figure("Oldest unsent message", "12", "s", "1 message in the outbox", Some(("fine", Tone::Good))),
            figure("Store", "184", "MiB", "embedded, 2.1 GiB free", Some(("fine", Tone::Good))),
            figure("Slack connection", "2", "sockets", "last event 3 s ago", Some(("connected", Tone::Good))),
            figure("Language model", "none", "", "reports come from the rules alone", None),
            figure("Version", "0.1.0+g3f9c1d2", "", "up for 6 d", None),
        ],
        systems: vec![
            system("prod-eu", "Kubernetes", ("fine", Tone::Good), "", 1, 48),
            system("metrics", "Prometheus", ("fine", Tone::Good), "", 1, 12),
            system(
                "orders",
                "MongoDB",
                ("failing", Tone::Bad),
                "The password of the user sre_reader is refused. Check the secret ORDERS_URI, then run doctor.",
                2,
                8_000,
            ),
        ],
        specialists: vec![
            specialist("infrastructure", "Pods, nodes, volumes, rollouts", &["kubernetes", "prometheus", "changes"]),
            specialist("database", "Replication, locks, slow queries, connections", &["mongodb", "prometheus", "logs"]),
            specialist("network", "DNS, TLS, ingress, policies", &["probes", "kubernetes"]),
            specialist("application", "Errors, latency, deploys", &["logs", "spans", "changes"]),
        ],
    }
}

pub fn accuracy() -> Accuracy {
    let week = |begins: &str, correct, one_hop_short, wrong| Week { begins: begins.to_owned(), correct, one_hop_short, wrong };
    let category = |name: &str, correct, one_hop_short, wrong| Category { name: name.to_owned(), correct, one_hop_short, wrong };
    Accuracy {
        reports: 1_204,
        judged: 141,
        weeks: vec![
            week("2026-10-05", 9, 3, 2),
            week("2026-10-12", 11, 2, 3),
            week("2026-10-19", 14, 4, 1),
            week("2026-10-26", 8, 1, 0),
            week("2026-11-02", 15, 3, 2),
            week("2026-11-09", 19, 2, 1),
            week("2026-11-16", 22, 4, 1),
            week("2026-11-23", 12, 1, 1),
        ],
        categories: vec![
            category("oom_killed", 31, 2, 0),
            category("bad_deploy", 28, 6, 3),
            category("slow_query", 17, 5, 4),
            category("dns", 9, 0, 1),
        ],
        calibration: vec![
            Bucket { from: 0.0, to: 0.5, judged: 18, correct: 6 },
            Bucket { from: 0.5, to: 0.75, judged: 44, correct: 29 },
            Bucket { from: 0.75, to: 0.95, judged: 79, correct: 75 },
            Bucket { from: 0.95, to: 1.0, judged: 0, correct: 0 },
        ],
        median_report_ms: Some(8_400),
    }
}

pub fn audit() -> Audit {
    let entry = |minutes, actor: &str, act: &str, object: &str, outcome: (&str, Tone), detail: &str| AuditEntry {
        at: before(minutes),
        actor: actor.to_owned(),
        act: act.to_owned(),
        object: object.to_owned(),
        outcome: Mark::new(outcome.0, outcome.1),
        detail: detail.to_owned(),
    };
    let done = ("done", Tone::Good);
    Audit {
        chain: Chain {
            state: Mark::new("whole", Tone::Good),
            said: "Verified up to entry 18,204.".to_owned(),
            checked_at: Some(before(14)),
        },
        actor: "Ada Byron".to_owned(),
        act: String::new(),
        object: String::new(),
        outcomes: choices(&[("done", "Done"), ("refused", "Refused"), ("failed", "Failed"), ("nothing", "Nothing to do")], ""),
        entries: vec![
            entry(3, "Grace Hopper", "feedback", "INC-412", done, "one hop short"),
            entry(5, "Grace Hopper", "prepare", "INC-412", done, "raise-memory-limit, hash 9f2c4be07a55"),
            entry(6, "Ada Byron", "approve", "01J9RUN3", ("refused", Tone::Bad), "you asked for it yourself: a second person must approve"),
            entry(8, "Ada Byron", "acknowledge", "INC-412", done, ""),
            entry(12, "sre-agent", "run", "01J9RUN1", ("failed", Tone::Bad), "step 3 of 6, rolled back"),
            entry(190, "api", "resolve", "INC-399", ("nothing to do", Tone::Neutral), "it was resolved already"),
        ],
        paging: Paging { newer: None, older: Some("18198".to_owned()) },
    }
}
