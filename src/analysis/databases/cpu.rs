//! CPU: saturated by a statement, or throttled because its credits are used up.

use super::{
    fault::{Fault, Mechanism, Report},
    limits,
    load::{Statement, Wait, tables},
    metric::{Metric, Reading},
    scene::Scene,
};
use crate::{analysis::Seen, model::Category};

pub fn check(scene: &Scene<'_>, report: &mut Report) {
    if let Some(credits) =
        scene.metric(Metric::CpuCredits).filter(|credits| credits.last < limits::CPU_CREDITS && credits.first > credits.last)
    {
        report.faults.push(throttled(scene, credits));
        return;
    }
    let Some(cpu) = scene.metric(Metric::Cpu) else {
        let top = scene.load.heaviest(Wait::Cpu).or_else(|| scene.load.statements.first());
        let top = top.filter(|top| top.load >= scene.load.total() * limits::CARRIES);
        if scene.asks(Mechanism::Cpu.words()) && !scene.is_routine() && top.is_some() {
            report.faults.push(saturated(scene, None));
        }
        return;
    };
    if cpu.now < limits::CPU {
        let was = if cpu.peak >= limits::CPU { ": it is back below the limit" } else { "" };
        report.ruled_out.push(format!(
            "CPU: CPUUtilization of {} is {} now ({}), below {:.0} %{was}",
            cpu.instance,
            cpu.amount(cpu.now),
            cpu.range(),
            limits::CPU
        ));
        return;
    }
    report.faults.push(saturated(scene, Some(cpu)));
}

fn throttled(scene: &Scene<'_>, credits: &Reading<'_>) -> Fault {
    let cpu = scene.metric(Metric::Cpu);
    let capped = cpu.map_or(String::new(), |cpu| format!(", CPUUtilization is held at {}", cpu.amount(cpu.now)));
    let top = scene.load.statements.first();
    let by = top.map_or(String::new(), |top| format!("; the heaviest statement is {}{}", top.shown(), top.by()));
    let name = &scene.name;
    let statement = format!(
        "CPU credits of {name} are used up (CPUCreditBalance {}): the burstable instance is throttled to its baseline{capped}{by}",
        credits.told()
    );
    Fault::new(Mechanism::Cpu, Category::CpuSaturation, scene.entity(), statement)
        .short("the CPU credits are used up")
        .by(top.map_or(String::new(), |top| top.text.clone()))
        .saw([scene.cite(credits, ": no credits left")])
        .saw(cpu.map(|cpu| scene.cite(cpu, "")))
        .saw(top.map(|top| scene.statement(top)))
        .sure(true, 0.85)
        .refuted_by("the balance is above 20 while queries stay slow")
        .fix(format!("move to an instance class with fixed performance (`aws rds modify-db-instance --db-instance-identifier {name} --db-instance-class db.m6g.large --apply-immediately`), or set unlimited mode"))
        .prevent("an alarm on CPUCreditBalance below 20 % of its maximum")
}

fn saturated(scene: &Scene<'_>, cpu: Option<&Reading<'_>>) -> Fault {
    let told = cpu
        .map_or_else(|| "no CPU metric is in the evidence, the alert says so".to_owned(), |cpu| format!("CPUUtilization {}", cpu.told()));
    let name = &scene.name;
    let total = scene.load.total();
    let top = scene.load.heaviest(Wait::Cpu).filter(|top| top.of_wait(Wait::Cpu) >= total * 0.25).or_else(|| scene.load.statements.first());
    let reads = scene.metric(Metric::ReadIops).filter(|reads| reads.rose(1.5) && reads.stands_high() || reads.now > 5_000.0);
    let mut seen: Vec<Seen> = cpu.map(|cpu| scene.cite(cpu, "")).into_iter().collect();
    let (why, category, culprit) = match top {
        None => (
            "; Performance Insights is not in the evidence, so which statement takes it is not known".to_owned(),
            Category::CpuSaturation,
            String::new(),
        ),
        Some(top) => {
            seen.push(scene.statement(top));
            seen.extend(scene.waits());
            (format!("; {}: {}", scene.load.label, mechanism(scene, top)), Category::CpuSaturation, top.text.clone())
        }
    };
    let io = match top {
        Some(top) if scene.load.share(Wait::Read) > scene.load.share(Wait::Cpu) => {
            format!("; the CPU is high because of storage I/O: the load waits for reads ({})", top.waits_told())
        }
        _ => String::new(),
    };
    seen.extend(reads.map(|reads| scene.cite(reads, ": it reads far more than it returns")));
    seen.extend(scene.metric(Metric::Load).map(|load| scene.cite(load, "")));
    let table = top.and_then(|top| tables(&top.text).into_iter().next()).unwrap_or_else(|| "<table>".to_owned());
    let mut fault = Fault::new(Mechanism::Cpu, category, scene.entity(), format!("CPU saturation of {name} ({told}){why}{io}"))
        .short(format!("{told}{}", top.map_or(String::new(), |top| format!(" by {}{}", top.shown(), top.by()))))
        .by(culprit)
        .saw(seen)
        .sure(top.is_some_and(|top| top.load >= total * limits::CARRIES), if top.is_some() { 0.8 } else { 0.6 })
        .refuted_by("CPU stays high while this statement does not run");
    if let Some(top) = top {
        fault = fault
            .fix(format!("`EXPLAIN (ANALYZE, BUFFERS) {}`; where it scans {table}, `CREATE INDEX CONCURRENTLY` on the columns of its filter", top.shown()))
            .fix("stop it where it runs away: `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND query_start < now() - interval '1 min';`");
    } else {
        fault = fault.fix("see what runs: `SELECT pid, usename, state, wait_event, query FROM pg_stat_activity WHERE state = 'active' ORDER BY query_start;`");
    }
    fault
        .prevent("`statement_timeout` for interactive users, and plans of new queries read before they ship")
        .prevent("an alarm on DBLoad above the number of vCPUs")
}

/// What a heavy statement does to the CPU, as far as its numbers tell.
fn mechanism(scene: &Scene<'_>, top: &Statement) -> String {
    let total = scene.load.total();
    let share =
        if total > 0.0 { format!(" carries {:.0} % of the load", 100.0 * top.load / total) } else { " carries the load".to_owned() };
    let each = top.calls.filter(|calls| *calls > 0.0).map(|calls| top.load / calls);
    let how = match each {
        Some(each) if each >= 0.05 => {
            format!(": {each:.1} s of a CPU for each call, as a full table scan (sequential scan, missing index) costs")
        }
        Some(each) if top.calls.is_some_and(|calls| calls >= 200.0) => {
            format!(": {:.0} calls/s of {:.1} ms each, a storm of calls", top.calls.unwrap_or_default(), each * 1e3)
        }
        _ => ", as a bad plan (sequential scan, missing index) costs".to_owned(),
    };
    let waits = if top.waits.is_empty() { String::new() } else { format!(" ({})", top.waits_told()) };
    format!("the query {}{}{share}{waits}{how}", top.shown(), top.by())
}
