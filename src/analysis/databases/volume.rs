//! The volume: burst credits used up, IOPS at their limit, slow reads and writes.

use super::{
    events::Kind,
    fault::{Fault, Mechanism, Report},
    limits,
    load::{Wait, tables},
    metric::{Metric, Reading},
    scene::Scene,
};
use crate::{analysis::Seen, model::Category};

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    let burst = scene.worst_low(Metric::BurstBalance).filter(|burst| burst.last < limits::BURST);
    let slow: Vec<&Reading<'_>> = [Metric::ReadLatency, Metric::WriteLatency]
        .into_iter()
        .filter_map(|metric| scene.metric(metric))
        .filter(|latency| is_slow(latency))
        .collect();
    let queue =
        scene.metric(Metric::QueueDepth).filter(|queue| queue.now >= limits::QUEUE || queue.rose(10.0) && queue.now > limits::QUEUE * 0.1);
    if burst.is_none() && (slow.is_empty() || queue.is_none()) {
        if scene.asks(Mechanism::Volume.words()) && slow.is_empty() {
            let latency = scene.metric(Metric::ReadLatency).or_else(|| scene.metric(Metric::WriteLatency));
            report.ruled_out.extend(latency.map(|latency| {
                format!(
                    "volume: {} of {} is {} ({})",
                    latency.series.metric,
                    latency.instance,
                    latency.amount(latency.now),
                    latency.range()
                )
            }));
        }
        return;
    }
    let name = &scene.name;
    let reading = scene.load.share(Wait::Read) >= scene.load.share(Wait::Write) + scene.load.share(Wait::Log);
    let top = scene.load.heaviest(if reading { Wait::Read } else { Wait::Write }).or_else(|| scene.load.statements.first());
    let what = match burst {
        Some(burst) => format!(
            "The burst credits of the volume of {name} are used up ({} {}), so its IOPS are throttled to the baseline",
            burst.series.metric,
            burst.told()
        ),
        None => format!("The volume of {name} is at its I/O limit"),
    };
    let effects: Vec<String> =
        slow.iter().copied().chain(queue).take(3).map(|reading| format!("{} {}", reading.series.metric, reading.told())).collect();
    let effects = if effects.is_empty() { String::new() } else { format!(" ({})", effects.join(", ")) };
    let by = top.map_or(String::new(), |top| format!("; the I/O comes from {}{}, waits {}", top.shown(), top.by(), top.waits_told()));
    let mut seen: Vec<Seen> = burst.map(|burst| scene.cite(burst, ": no burst credits left")).into_iter().collect();
    seen.extend(slow.iter().take(2).map(|latency| scene.cite(latency, "")));
    seen.extend(queue.map(|queue| scene.cite(queue, ": requests queue at the volume")));
    seen.extend(top.map(|top| scene.statement(top)));
    seen.extend(scene.current(&[Kind::Credits]).last().map(|event| scene.quote(event)));
    seen.extend(scene.metric(if reading { Metric::ReadIops } else { Metric::WriteIops }).map(|iops| scene.cite(iops, "")));
    seen.extend(scene.waits());
    let table = top.and_then(|top| tables(&top.text).into_iter().next()).map_or(String::new(), |table| format!(" on {table}"));
    report.faults.push(
        Fault::new(Mechanism::Volume, Category::Latency, scene.entity(), format!("{what}{effects}{by}"))
            .short(format!("the volume is at its I/O limit{effects}"))
            .by(top.map_or(String::new(), |top| top.text.clone()))
            .saw(seen)
            .sure(burst.is_some() || top.is_some_and(|top| top.load >= scene.load.total() * limits::CARRIES), 0.75)
            .refuted_by("latency stays high after the statement has stopped")
            .fix(format!("gp3 with provisioned IOPS: `aws rds modify-db-instance --db-instance-identifier {name} --storage-type gp3 --iops 12000 --apply-immediately`"))
            .fix(format!("reduce what is read: an index or a smaller range for the statement{table}"))
            .prevent("alarms on BurstBalance below 20 %, on DiskQueueDepth and on latency above 20 ms"),
    );
}

/// Above 20 ms and far above its own normal; CloudWatch gives seconds, other exporters milliseconds.
fn is_slow(latency: &Reading<'_>) -> bool {
    let limit = if latency.calm_low > 0.1 { limits::LATENCY * 1e3 } else { limits::LATENCY };
    latency.now >= limit && latency.rose(5.0)
}
