//! What senders call things: words for a state, for a severity, and names of exporters.

use crate::model::{AlertStatus, Severity};

/// Lower case, and every run of separators one blank: `INSUFFICIENT_DATA` → `insufficient data`.
pub(super) fn plain(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.trim().chars() {
        match c {
            '_' | '-' | ' ' | '\t' | '\u{a0}' if out.ends_with(' ') => {}
            '_' | '-' | '\t' | '\u{a0}' => out.push(' '),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// The state that a sender's word means, if it means one.
pub(super) fn status(word: &str) -> Option<AlertStatus> {
    let status = match plain(word).as_str() {
        "firing"
        | "fired"
        | "fire"
        | "alerting"
        | "alert"
        | "alarm"
        | "in alarm"
        | "triggered"
        | "trigger"
        | "retriggered"
        | "re triggered"
        | "renotify"
        | "re notify"
        | "renotified"
        | "open"
        | "opened"
        | "opening"
        | "reopen"
        | "reopened"
        | "active"
        | "activated"
        | "activate"
        | "created"
        | "create"
        | "new"
        | "started"
        | "start"
        | "begin"
        | "down"
        | "problem"
        | "failing"
        | "failed"
        | "failure"
        | "fail"
        | "error"
        | "errored"
        | "warn"
        | "warning"
        | "warned"
        | "critical"
        | "crit"
        | "fatal"
        | "emergency"
        | "unhealthy"
        | "breached"
        | "breach"
        | "violated"
        | "raised"
        | "raise"
        | "set"
        | "investigating"
        | "identified"
        | "monitoring"
        | "unreachable"
        | "not responding"
        | "reporting error"
        | "missing"
        | "escalated"
        | "escalate"
        | "assigned"
        | "assign"
        | "unacknowledged"
        | "degraded"
        | "degraded performance"
        | "partial outage"
        | "major outage"
        | "under maintenance"
        | "outage"
        | "offline"
        | "timeout"
        | "unavailable"
        | "regression"
        | "anomalous"
        | "occurred"
        | "rate exceeded"
        | "overdue"
        | "late"
        | "expiring"
        | "trouble"
        | "dead"
        | "regressed"
        | "threats found"
        | "not ok"
        | "bad"
        | "abnormal"
        | "in progress"
        | "confirmed"
        | "störung"
        | "ausfall"
        | "ausgefallen"
        | "kritisch"
        | "fehler"
        | "warnung"
        | "alarma"
        | "alerta"
        | "crítico"
        | "crítica"
        | "problema"
        | "caído"
        | "caída"
        | "alerte"
        | "critique"
        | "problème"
        | "panne" => AlertStatus::Firing,
        "resolved" | "resolve" | "ok" | "okay" | "recovered" | "recovery" | "recover" | "recovering" | "close" | "closed" | "closing"
        | "normal" | "up" | "cleared" | "clear" | "good" | "healthy" | "deactivated" | "inactive" | "fixed" | "ended" | "end"
        | "online" | "operational" | "available" | "reachable" | "back up" | "solved" | "complete" | "completed" | "expired"
        | "passing" | "passed" | "success" | "stopped" | "autoresolved" | "auto resolved" | "autoclosed" | "no threats found"
        | "reporting" | "alive" | "running" | "better" | "behoben" | "gelöst" | "erledigt" | "entwarnung" | "resuelto" | "resuelta"
        | "recuperado" | "recuperada" | "resolvido" | "résolu" | "résolue" | "rétabli" | "rétablie" => AlertStatus::Resolved,
        "acknowledged" | "acknowledge" | "acknowledgement" | "ack" | "acked" => AlertStatus::Acknowledged,
        "no data" | "nodata" | "insufficient data" | "unknown" | "stale" => AlertStatus::NoData,
        "paused" | "pause" | "muted" | "silenced" | "snoozed" | "suppressed" | "disabled" => AlertStatus::Paused,
        "pending" => AlertStatus::Pending,
        _ => return None,
    };
    Some(status)
}

/// The state in an event's name, which ends in it or is it: `incident.triggered`, `INCIDENT_REOPEN`, `check_in_missing`.
pub(super) fn status_of_event(event: &str) -> Option<AlertStatus> {
    if let Some(found) = status(event) {
        return Some(found);
    }
    let mut parted = String::with_capacity(event.len() + 8);
    let mut small = false;
    for c in event.chars() {
        if small && c.is_uppercase() {
            parted.push(' ');
        }
        small = c.is_lowercase();
        parted.push(if matches!(c, '.' | ':' | '/') { ' ' } else { c });
    }
    let words = plain(&parted);
    let words: Vec<&str> = words.split(' ').collect();
    // `ResolvedCritical`, `POLICY_CLOSE_WARNING`, `resolved_item`: that it is over counts wherever it stands.
    if words.iter().any(|word| matches!(*word, "resolved" | "resolve" | "recovered" | "recovery" | "cleared" | "closed" | "close")) {
        return Some(AlertStatus::Resolved);
    }
    (1..words.len()).find_map(|from| words.get(from..).and_then(|tail| status(&tail.join(" "))))
}

/// A word for severity that can also be recognised alone, without a key before it.
pub(super) fn is_severity(word: &str) -> bool {
    Severity::from_word(word).is_some() && !matches!(plain(word).as_str(), "ok" | "none" | "alert" | "page" | "average" | "trivial")
}

/// A thing that measures or is scraped by default, and thus never the sick workload itself.
pub(super) fn is_exporter(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    let name = name.strip_prefix("integrations/").unwrap_or(&name);
    let name = name.rsplit_once('/').map_or(name, |(_, last)| last).replace('_', "-");
    name.contains("exporter")
        || name.ends_with("-metrics")
        || name.starts_with("kubernetes-")
        || name.contains("kube-state-metrics")
        || matches!(
            name.as_str(),
            "kubelet"
                | "cadvisor"
                | "node"
                | "nodes"
                | "blackbox"
                | "probe"
                | "probes"
                | "metrics"
                | "ksm"
                | "pushgateway"
                | "snmp"
                | "otel-collector"
                | "opentelemetry-collector"
                | "grafana-agent"
                | "alloy"
                | "vmagent"
                | "telegraf"
                | "collectd"
                | "statsd"
                | "windows"
                | "netdata"
                | "datadog-agent"
                | "metricbeat"
                | "static"
                | "scrape"
                | "http-metrics"
        )
}

/// Whether a job's instances are machines, so that an address names a node and not a service.
pub(super) fn is_machine_exporter(job: &str) -> bool {
    let job = job.to_lowercase().replace('_', "-");
    ["node", "windows", "kubelet", "cadvisor", "snmp", "ipmi", "smartctl"].iter().any(|part| job.contains(part))
}
