//! Failover and restart: the primary went away, another took over, clients lost their connections meanwhile.

use super::{
    events::{Happening, Kind},
    fault::{Fault, Mechanism, Report},
    metric::{Metric, Reading},
    scene::Scene,
};
use crate::model::Category;

const SIGNS: &[Kind] = &[Kind::FailoverStart, Kind::FailoverEnd, Kind::HostUnhealthy, Kind::Restart];
const TOLD: &[Kind] = &[Kind::FailoverStart, Kind::FailoverEnd, Kind::HostUnhealthy, Kind::Restart, Kind::Maintenance];

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    let failover = scene.current(SIGNS).any(|event| matches!(event.kind, Kind::FailoverStart | Kind::FailoverEnd));
    let Some(first) = scene.current(SIGNS).next() else { return };
    let dips: Vec<&Reading<'_>> = [Metric::Connections, Metric::WriteIops, Metric::ReadIops, Metric::Cpu]
        .into_iter()
        .filter_map(|metric| scene.metric(metric))
        .filter(|reading| dipped(reading, first))
        .collect();
    let asked = scene.asks(Mechanism::Failover.words()) && !scene.is_routine();
    if dips.is_empty() && !asked {
        report.ruled_out.push(format!(
            "{}: \"{}\" left no dip in connections or IOPS, so it is not the cause",
            if failover { "failover" } else { "restart" },
            first.shown()
        ));
        return;
    }
    let name = &scene.name;
    let unhealthy = scene.current(&[Kind::HostUnhealthy]).next();
    let requested = scene.current(TOLD).find(|event| {
        let text = event.text.to_lowercase();
        text.contains("requested") || text.contains("user-initiated") || text.contains("user initiated") || text.contains("manual")
    });
    let maintenance = scene.current(&[Kind::Maintenance]).next();
    let why = match (unhealthy, requested, maintenance) {
        (Some(event), _, _) => format!("the primary host failed (\"{}\")", event.shown()),
        (None, Some(event), _) => format!("somebody requested it (\"{}\")", event.shown()),
        (None, None, Some(event)) => format!("maintenance was applied (\"{}\")", event.shown()),
        (None, None, None) => "the events do not say why the primary went away".to_owned(),
    };
    let time = |event: Option<&Happening<'_>>| event.and_then(|event| event.time).map_or(String::new(), |time| format!(" at {time}"));
    let end = scene.current(&[Kind::FailoverEnd]).last();
    let ended = if end.is_some() { format!("; it completed{}", time(end)) } else { "; its end is not reported".to_owned() };
    let what = if failover {
        let zone =
            if scene.events.iter().any(|event| event.text.to_lowercase().contains("multi-az")) { "Multi-AZ failover" } else { "Failover" };
        format!("{zone} of {name}{}: {why}; the standby was promoted to primary", time(Some(first)))
    } else {
        format!("Restart of {name}{}: {why}", time(Some(first)))
    };
    let effects: Vec<String> = dips.iter().take(2).map(|dip| format!("{} fell to {}", dip.series.metric, dip.amount(dip.lowest))).collect();
    let effect = if effects.is_empty() {
        "; clients lost their connections meanwhile".to_owned()
    } else {
        format!("; meanwhile connections were dropped: {}", effects.join(", "))
    };
    let fault = Fault::new(Mechanism::Failover, Category::DatabaseUnavailable, scene.entity(), format!("{what}{effect}{ended}"))
        .short(format!("a failover or restart{}", time(Some(first))))
        .saw(scene.current(TOLD).take(5).map(|event| scene.quote(event)))
        .saw(dips.iter().take(2).map(|dip| scene.cite(dip, &format!(", lowest {}", dip.amount(dip.lowest)))))
        .sure(true, 0.9)
        .refuted_by("clients failed before the first of these events")
        .fix(format!("check the state now: `aws rds describe-db-instances --db-instance-identifier {name}`, and that pools reconnected to the endpoint"))
        .fix("restart clients that still hold the old address: they cached DNS longer than the endpoint's 5 seconds")
        .prevent("a driver or RDS Proxy that follows the endpoint (TTL at most 30 s, TCP keepalive, retries with backoff)")
        .prevent("a failover drill: `aws rds reboot-db-instance --force-failover` in a quiet hour");
    report.faults.push(fault);
}

/// It nearly vanished after the event, compared with its normal.
fn dipped(reading: &Reading<'_>, event: &Happening<'_>) -> bool {
    let after = |time: jiff::Timestamp| event.time.is_none_or(|began| time.duration_since(began).as_secs() >= -120);
    let calm = reading.calm_high;
    calm > 4.0 && reading.series.points.iter().any(|(time, value)| after(*time) && *value < calm * 0.3)
}
