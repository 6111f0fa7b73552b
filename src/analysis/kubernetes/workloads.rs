//! What owns pods: deployments, stateful sets, daemon sets, jobs, cron jobs.

use super::{
    Checked, Look, Thing,
    value::{condition, flag, has, reason_and_message, short, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for thing in look.cluster.all("Deployment") {
        deployment(look, thing, out);
    }
    for thing in look.cluster.all("StatefulSet") {
        stateful_set(look, thing, out);
    }
    for thing in look.cluster.all("DaemonSet") {
        daemon_set(look, thing, out);
    }
    for thing in look.cluster.all("Job") {
        job(look, thing, out);
    }
    for thing in look.cluster.all("CronJob") {
        cron_job(look, thing, out);
    }
}

/// Nothing was created yet, or it was created just now.
fn is_young(look: &Look<'_>, thing: &Thing<'_>) -> bool {
    look.cluster.now_is_known() && look.cluster.age_of_thing(thing).is_some_and(|age| age < look.thresholds.startup_grace_seconds)
}

fn in_namespace(thing: &Thing<'_>) -> String {
    super::pods::in_namespace(&thing.namespace)
}

fn deployment(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let path = thing.path();
    if let Some(progress) = condition(&thing.body, "Progressing").filter(|condition| text(condition, "/status") == "False") {
        let why = short(&reason_and_message(progress), 180);
        out.findings.push(
            Finding::new(
                Category::RolloutStuck,
                Role::Symptom,
                thing.entity(),
                format!("The rollout of Deployment {path} does not progress: {why}"),
            )
            .strength(0.8)
            .saw(
                look.field(thing, format!("Deployment {path}: condition Progressing=False, {why} (rollout of its ReplicaSet)"))
                    .at(text(progress, "/lastUpdateTime").parse().ok(), None)
                    .decisive(),
            )
            .falsifier("condition Progressing is True again")
            .fix(format!("kubectl rollout status deployment/{}{}", thing.name, in_namespace(thing)))
            .fix(format!("kubectl rollout undo deployment/{}{}   # back to the last revision that worked", thing.name, in_namespace(thing)))
            .prevent("gate the deploy on `kubectl rollout status --timeout`, and roll back by itself"),
        );
    }
    let ready_now = thing.int("/status/readyReplicas").unwrap_or(0) >= thing.int("/spec/replicas").unwrap_or(1);
    if let Some(event) = look.recent(thing, &["ProgressDeadlineExceeded", "ReplicaSetCreateError"]).filter(|_| !ready_now) {
        out.findings.push(
            Finding::new(
                Category::RolloutStuck,
                Role::Symptom,
                thing.entity(),
                format!("The rollout of Deployment {path} is stuck: {}", short(&event.message, 180)),
            )
            .strength(0.8)
            .saw(look.event(thing, event))
            .falsifier("the new ReplicaSet has all its replicas ready")
            .fix(format!("kubectl rollout undo deployment/{}{}", thing.name, in_namespace(thing))),
        );
    }
    // A manifest that shows neither a number nor a state says nothing about replicas.
    if thing.int("/spec/replicas").is_none() && !has(&thing.body, "/status") {
        return;
    }
    let wanted = thing.int("/spec/replicas").unwrap_or(1);
    let ready = thing.int("/status/readyReplicas").or_else(|| thing.int("/status/availableReplicas"));
    // A description or a table that does not show the number proves nothing.
    if wanted <= ready.unwrap_or(0)
        || (ready.is_none() && thing.partial)
        || is_young(look, thing)
        || flag(&thing.body, "/spec/paused") == Some(true)
    {
        let total = thing.int("/status/replicas").unwrap_or(0);
        if total > wanted && !thing.partial && wanted == ready.unwrap_or(0) && condition(&thing.body, "Progressing").is_none() {
            out.findings.push(missing_replicas(look, thing, wanted, total, &format!("{total} replicas exist")));
        }
        return;
    }
    let ready = ready.unwrap_or(0);
    out.findings.push(missing_replicas(look, thing, wanted, ready, &format!("{ready} are available (ready)")));
}

fn missing_replicas(look: &Look<'_>, thing: &Thing<'_>, wanted: i64, shown: i64, words: &str) -> Finding {
    let kind = thing.kind;
    let path = thing.path();
    Finding::new(Category::RolloutStuck, Role::Symptom, thing.entity(), format!("{kind} {path} wants {wanted} replica(s) but {words}"))
        .strength(if shown == 0 { 0.7 } else { 0.6 })
        .saw(look.field(thing, format!("{kind} {path}: spec.replicas {wanted}, {words}, status running")))
        .falsifier("the number of ready replicas equals the wanted one")
        .fix(format!("kubectl get pods{} -o wide   # which of them do not run", in_namespace(thing)))
        .fix(format!("kubectl describe {}/{}{}", kind.to_lowercase(), thing.name, in_namespace(thing)))
        .prevent("a PodDisruptionBudget and requests that fit the nodes")
}

fn stateful_set(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let path = thing.path();
    let service = thing.text("/spec/serviceName");
    // The field is optional for a complete manifest that runs nowhere yet.
    let manifest_only = service.is_empty() && has(&thing.body, "/spec/template") && !has(&thing.body, "/status");
    if !thing.partial
        && !manifest_only
        && look.cluster.proves_absence("Service", thing)
        && look.cluster.get("Service", &thing.namespace, service).is_none()
    {
        let named =
            if service.is_empty() { format!("{}/ (none is named)", thing.namespace) } else { format!("{}/{service}", thing.namespace) };
        out.findings.push(
            Finding::new(
                Category::Misconfiguration,
                Role::Cause,
                thing.entity(),
                format!("StatefulSet {path} uses the service {named} which does not exist"),
            )
            .strength(if service.is_empty() { 0.4 } else { 0.7 })
            .saw(look.field(thing, format!("StatefulSet {path}: spec.serviceName is \"{service}\"; no such Service in the evidence")))
            .falsifier(format!("kubectl get service {service}{} finds it", in_namespace(thing)))
            .fix(format!("create the headless Service {service}{}", in_namespace(thing)))
            .prevent("ship the headless Service in the same chart as the StatefulSet"),
        );
    }
    for template in thing.list("/spec/volumeClaimTemplates") {
        let class = text(template, "/spec/storageClassName");
        let known = look.cluster.all("StorageClass").any(|found| found.name == class);
        if !class.is_empty() && !known && look.cluster.proves_absence("StorageClass", thing) {
            out.findings.push(
                Finding::new(
                    Category::Volume,
                    Role::Cause,
                    thing.entity(),
                    format!("StatefulSet {path} uses the storage class {class} which does not exist"),
                )
                .strength(0.75)
                .saw(look.field(
                    thing,
                    format!(
                        "volumeClaimTemplate {}: storageClassName {class}; no such StorageClass in the evidence",
                        text(template, "/metadata/name")
                    ),
                ))
                .falsifier(format!("kubectl get storageclass {class} finds it"))
                .fix("kubectl get storageclass   # use one that exists, or create it")
                .prevent("leave storageClassName out where the default class will do"),
            );
        }
    }
    super::storage::claims_of(look, thing, out);
    let wanted = thing.int("/spec/replicas").unwrap_or(1);
    let ready = ["/status/availableReplicas", "/status/readyReplicas", "/status/runningReplicas"].iter().find_map(|path| thing.int(path));
    let Some(ready) = ready.or(if thing.partial { None } else { thing.int("/status/replicas").map(|_| 0) }) else { return };
    if wanted <= ready || is_young(look, thing) {
        return;
    }
    let stuck = (0..wanted.min(100)).map(|ordinal| format!("{}-{ordinal}", thing.name)).find_map(|name| {
        let pod = look.cluster.get("Pod", &thing.namespace, &name)?;
        (pod.text("/status/phase") != "Running").then_some(pod)
    });
    let mut finding = missing_replicas(look, thing, wanted, ready, &format!("{ready} are available (ready)"));
    if let Some(pod) = stuck {
        finding.statement = format!(
            "StatefulSet {path} has {ready} of {wanted} replicas: its pod {} in the namespace {} is not in running state ({})",
            pod.name,
            thing.namespace,
            pod.text("/status/phase")
        );
        finding = finding.saw(look.field(pod, format!("StatefulSet pod {}: phase {}, not Running", pod.path(), pod.text("/status/phase"))));
    } else if let Some(event) =
        look.cluster.events_of(thing).iter().rev().find(|event| event.event_type != "Normal" && look.is_recent(event))
    {
        finding.statement.push_str(&format!(": {}", short(&event.message, 160)));
        finding = finding.saw(look.event(thing, event));
    }
    finding.strength = 0.75;
    out.findings.push(finding);
}

fn daemon_set(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let path = thing.path();
    let (Some(wanted), Some(ready)) = (thing.int("/status/desiredNumberScheduled"), thing.int("/status/numberReady")) else { return };
    if ready >= wanted || is_young(look, thing) {
        return;
    }
    out.findings.push(
        Finding::new(
            Category::RolloutStuck,
            Role::Symptom,
            thing.entity(),
            format!("DaemonSet {path} has {ready} ready replicas out of {wanted} scheduled"),
        )
        .strength(0.65)
        .saw(look.field(thing, format!("DaemonSet {path}: desiredNumberScheduled {wanted}, numberReady {ready}")))
        .falsifier("numberReady equals desiredNumberScheduled")
        .fix(format!("kubectl get pods{} -o wide | grep {}", in_namespace(thing), thing.name))
        .prevent("tolerations for every node pool, and requests that fit the smallest node"),
    );
}

fn job(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let path = thing.path();
    let is = |name: &str| condition(&thing.body, name).is_some_and(|condition| text(condition, "/status") == "True");
    let event = look
        .recent(thing, &["BackoffLimitExceeded", "DeadlineExceeded"])
        .or_else(|| look.cluster.events_of(thing).iter().rev().find(|event| event.reason == "BackoffLimitExceeded").copied());
    let failed = thing.int("/status/failed").unwrap_or(0);
    if is("Complete") || is("SuccessCriteriaMet") || (failed == 0 && !is("Failed") && event.is_none()) {
        // A suspended job is somebody's intention, said only where nothing else is wrong with it.
        return;
    }
    let failure = condition(&thing.body, "Failed").filter(|_| is("Failed")).map(reason_and_message).filter(|why| !why.is_empty());
    let limit = thing.int("/spec/backoffLimit");
    let suspended = flag(&thing.body, "/spec/suspend") == Some(true);
    let why = match (&failure, event) {
        (Some(why), _) => short(why, 160),
        (None, Some(event)) => format!("{}: {}", event.reason, short(&event.message, 140)),
        (None, None) => format!("{failed} of its pods failed"),
    };
    let over = if failure.is_some() || event.is_some() || is("Failed") || limit.is_some_and(|limit| failed > limit) {
        "has failed"
    } else {
        "has failed pods"
    };
    let paused = if suspended { "; it is suspended" } else { "" };
    let mut finding = Finding::new(Category::JobFailed, Role::Symptom, thing.entity(), format!("Job {path} {over}: {why}{paused}"))
        .strength(0.8)
        .saw(look.field(
            thing,
            format!(
                "Job {path}: {failed} failed pod(s), backoffLimit {}, {why}{paused}",
                limit.map_or_else(|| "6 (default)".to_owned(), |limit| limit.to_string())
            ),
        ))
        .falsifier("the job's condition Complete is True")
        .fix(format!("kubectl logs job/{}{}", thing.name, in_namespace(thing)))
        .fix(format!("kubectl delete job {}{}   # then create it again, once the cause is removed", thing.name, in_namespace(thing)))
        .prevent("alert on failed jobs, and let the job check what it depends on before it starts");
    if let Some(event) = event {
        finding = finding.saw(look.event(thing, event));
    }
    out.findings.push(finding);
}

fn cron_job(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let path = thing.path();
    let schedule = thing.text("/spec/schedule");
    let mut problems = Vec::new();
    if !schedule.is_empty() && !is_schedule(schedule) {
        problems.push(format!("has an invalid schedule: {schedule:?}"));
    }
    if let Some(deadline) = thing.int("/spec/startingDeadlineSeconds").filter(|deadline| *deadline < 0) {
        problems.push(format!("has a negative starting deadline (startingDeadlineSeconds {deadline})"));
    }
    for event in look
        .recent(thing, &["FailedNeedsStart", "TooManyMissedTimes", "UnparseableSchedule", "InvalidSchedule", "UnknownTimeZone"])
        .into_iter()
    {
        problems.push(format!("is not started: {}", short(&event.message, 140)));
    }
    for problem in problems {
        out.findings.push(
            Finding::new(Category::Misconfiguration, Role::Cause, thing.entity(), format!("CronJob {path} {problem}"))
                .decisive()
                .saw(look.field(thing, format!("CronJob {path} {problem}; schedule {schedule:?}")).decisive())
                .falsifier("the controller starts a job at the next time of the schedule")
                .fix(format!("kubectl edit cronjob {}{}", thing.name, in_namespace(thing)))
                .prevent("check schedules in CI"),
        );
    }
}

/// Five fields of numbers, lists, ranges, steps and names, or a macro, with an optional time zone before them.
pub fn is_schedule(schedule: &str) -> bool {
    let text = schedule.trim();
    let text = if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
        text.split_once(' ').map_or("", |(_, rest)| rest.trim())
    } else {
        text
    };
    if let Some(name) = text.strip_prefix('@') {
        let name = name.split(' ').next().unwrap_or_default();
        return ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly", "every"].contains(&name);
    }
    let bounds: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    let fields: Vec<&str> = text.split_whitespace().collect();
    fields.len() == 5 && fields.iter().zip(bounds).all(|(field, bounds)| field.split(',').all(|part| is_part(part, bounds)))
}

fn is_part(part: &str, (low, high): (u32, u32)) -> bool {
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    if step.is_some_and(|step| step.parse::<u32>().map_or(true, |step| step == 0)) {
        return false;
    }
    let names = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "sun", "mon", "tue", "wed", "thu", "fri", "sat",
    ];
    let value = |text: &str| {
        text.parse::<u32>().is_ok_and(|number| (low..=high).contains(&number)) || names.contains(&text.to_lowercase().as_str())
    };
    range == "*" || range == "?" || range.split_once('-').map_or_else(|| value(range), |(from, to)| value(from) && value(to))
}
