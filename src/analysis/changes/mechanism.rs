//! Does what a change does bring about what is seen? A ceiling that was lowered and a pool that is full; a name that was
//! changed and a decoder that misses it; a call inside of a loop and more queries for each request.

use std::collections::BTreeSet;

use super::{effect::Effect, words::words};
use crate::model::observation::{Level, Observations, Series};

/// From how long before the alert until how long after it a series shows the trouble.
const JUST_BEFORE_SECONDS: i64 = 120;
const AFTER_SECONDS: i64 = 900;
/// A series moved when it is this many spreads and this share away from where it was.
const MOVED_SPREADS: f64 = 4.0;
const MOVED_SHARE: f64 = 0.1;
/// The most text of loud log lines that is searched.
const LOUD_BYTES: usize = 256 * 1024;

/// What the incident looks like, gathered once for all changes.
pub struct Scene<'a> {
    moved: Vec<Moved<'a>>,
    /// The alert's words and the loud log lines, in lower case.
    loud: String,
}

/// A metric that went somewhere.
struct Moved<'a> {
    series: &'a Series,
    words: BTreeSet<String>,
    before: f64,
    during: f64,
}

/// Why a change fits, and how much that weighs.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    pub weight: f64,
    /// One clause: what is seen that the effect explains.
    pub why: String,
}

impl<'a> Scene<'a> {
    pub fn of(observations: &'a Observations, text: &str, alerted: Option<jiff::Timestamp>) -> Self {
        let mut loud = text.to_lowercase();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for line in observations.logs.iter().flat_map(|log| &log.lines).filter(|line| line.level >= Level::Warn) {
            if loud.len() < LOUD_BYTES && seen.insert(line.text.as_str()) {
                loud.push('\n');
                loud.push_str(&line.text.to_lowercase());
            }
        }
        let moved = observations.metrics.iter().filter_map(|series| moved(series, alerted?)).collect();
        Self { moved, loud }
    }

    /// The best fit of any of the effects, with a bonus where the logs point into a file of the change.
    pub fn fit(&self, effects: &[Effect], files: &[&str]) -> Option<Fit> {
        let best =
            effects.iter().filter_map(|effect| self.one(effect)).reduce(|best, next| if next.weight > best.weight { next } else { best });
        let frame = files.iter().find_map(|file| self.points_into(file));
        match (best, frame) {
            (Some(best), Some(frame)) => {
                Some(Fit { weight: best.weight + 1.0, why: format!("{}, and the log points to {frame}", best.why) })
            }
            (Some(best), None) => Some(best),
            (None, Some(frame)) if !effects.is_empty() => Some(Fit { weight: 1.2, why: format!("the log points to {frame}") }),
            (None, _) => None,
        }
    }

    /// A stack frame or message that names the file with a line.
    fn points_into(&self, file: &str) -> Option<String> {
        let base = file.rsplit('/').next().filter(|base| base.len() > 4 && base.contains('.'))?.to_lowercase();
        let at = self.loud.find(&base)?;
        let after = self.loud.get(at + base.len()..)?.trim_start_matches(['"', '\'']);
        (after.starts_with(':') || after.starts_with(", line") || after.starts_with('(')).then_some(base)
    }

    fn says(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.loud.contains(phrase))
    }

    fn rose(&self, parts: &[&str]) -> Option<&Moved<'a>> {
        self.moved.iter().find(|moved| moved.is_about(parts) && moved.during > moved.before)
    }

    fn fell(&self, parts: &[&str]) -> Option<&Moved<'a>> {
        self.moved.iter().find(|moved| moved.is_about(parts) && moved.during < moved.before)
    }

    fn one(&self, effect: &Effect) -> Option<Fit> {
        match effect {
            Effect::Value { name, from, to, rises, .. } => self.value(name, from, to, *rises),
            Effect::Renamed { from, to, .. } => self.renamed(from, to),
            Effect::CheckRemoved { check, .. } => self.unchecked(check),
            Effect::CheckAdded { .. } => {
                let refused = ["unauthorized", "forbidden", "rejected", "invalid", "denied", "expired", "bad request", "validation"];
                self.says(&refused).then(|| Fit { weight: 1.5, why: "what is refused now was let through before".to_owned() })
            }
            Effect::CallInLoop { .. } => {
                let count = self.rose(&["quer", "per_request", "calls", "requests", "rps", "qps", "ops", "fan"]);
                count.map(|moved| Fit { weight: 2.5, why: moved.told() }).or_else(|| {
                    self.rose(&["latency", "duration", "p99", "p95", "time"]).map(|moved| Fit { weight: 1.5, why: moved.told() })
                })
            }
            Effect::CallAdded { .. } => {
                self.rose(&["latency", "duration", "p99", "p95"]).map(|moved| Fit { weight: 0.7, why: moved.told() })
            }
            Effect::Switched { name, .. } => {
                let name = words(name);
                let named = name.iter().any(|word| word.len() > 4 && self.loud.contains(word.as_str()));
                named.then(|| Fit { weight: 0.8, why: "the log speaks of what was switched".to_owned() })
            }
            Effect::SavingRemoved { .. } => self
                .rose(&["quer", "statements", "lookups", "calls", "reads", "qps", "ops", "miss"])
                .or_else(|| self.fell(&["hit"]))
                .map(|moved| Fit { weight: 2.6, why: moved.told() })
                .or_else(|| self.rose(&["latency", "duration", "p99", "p95", "cpu"]).map(|moved| Fit { weight: 1.6, why: moved.told() })),
            Effect::HeldLonger { .. } => self
                .rose(&["wait", "pending", "lock", "in_use", "active", "in_flight", "inflight", "blocked", "queue", "deadlock"])
                .map(|moved| Fit { weight: 2.4, why: moved.told() })
                .or_else(|| {
                    self.says(&["deadlock", "lock wait", "could not obtain lock", "waiting for lock", "could not serialize", "waited"])
                        .then(|| Fit { weight: 2.2, why: "the log tells of waiting".to_owned() })
                })
                .or_else(|| self.rose(&["latency", "duration", "p99", "p95"]).map(|moved| Fit { weight: 1.2, why: moved.told() })),
            Effect::ReleaseRemoved { .. } => {
                let grew = self.rose(&["in_use", "connections", "open", "memory", "heap", "goroutine", "threads", "fds", "handles"]);
                let said = self.says(&[
                    "too many open",
                    "pool exhausted",
                    "leak",
                    "out of memory",
                    "acquiring connection",
                    "no available connection",
                ]);
                match grew {
                    Some(moved) => Some(Fit { weight: 2.0, why: moved.told() }),
                    None => said.then(|| Fit { weight: 1.5, why: "what is not given back runs out".to_owned() }),
                }
            }
        }
    }

    fn value(&self, name: &str, from: &str, to: &str, rises: Option<bool>) -> Option<Fit> {
        let own = words(name);
        let number = |text: &str| text.trim_matches(['"', '\'']).parse::<f64>().ok();
        // The metric shows the very values of the change.
        let shown = self.moved.iter().find(|moved| {
            let close = |text: &str, value: f64| number(text).is_some_and(|number| (number - value).abs() <= 0.02 * number.abs().max(0.01));
            moved.words.intersection(&own).next().is_some() && close(from, moved.before) && close(to, moved.during)
        });
        if let Some(moved) = shown {
            return Some(Fit { weight: 3.5, why: moved.told() });
        }
        let has = |parts: &[&str]| parts.iter().any(|part| name.to_lowercase().contains(part));
        let (lowers, raises) = (rises == Some(false), rises == Some(true));
        let seen = |weight: f64, moved: Option<&Moved<'_>>| moved.map(|moved| Fit { weight, why: moved.told() });
        let said = |weight: f64, phrases: &[&str], why: &str| self.says(phrases).then(|| Fit { weight, why: why.to_owned() });
        let full_elsewhere = [
            "too many connections",
            "too many clients",
            "connection slots",
            "max_connections",
            "out of memory",
            "too many requests",
            "rate limit",
            "429",
        ];
        // Whole words: `report` and `import` hold `port`.
        let network = ["port", "cidr", "ingress", "egress", "subnet"].iter().any(|word| own.contains(*word));
        let found = if network {
            let unreached = ["i/o timeout", "timed out", "refused", "unreachable", "no route", "timeout"];
            said(2.2, &unreached, "what the rule or address names is not reached any more")
        } else if has(&["replica", "worker", "consumer", "concurr", "thread", "parallel", "partition", "prefetch"])
            && lowers
            && let Some(moved) = self.rose(&["lag", "backlog", "pending", "queue", "behind", "unacked", "depth"])
        {
            seen(2.4, Some(moved))
        } else if has(&["pool", "conn", "worker", "replica", "concurr", "thread", "process"]) && raises {
            said(2.0, &full_elsewhere, "what the others share is full since").or_else(|| seen(1.5, self.rose(&["connections", "sessions"])))
        } else if has(&["ttl", "expir", "cache", "maxage", "max_age"]) && lowers {
            seen(2.5, self.fell(&["hit"])).or_else(|| seen(1.5, self.rose(&["quer", "cpu", "load", "requests"])))
        } else if has(&["timeout", "deadline"]) && lowers {
            said(2.0, &["timeout", "timed out", "deadline exceeded"], "calls that take longer than the new limit are given up")
        } else if has(&["retr", "attempt", "backoff"]) {
            seen(2.0, self.rose(&["requests", "rps", "qps", "quer", "calls", "retr"]))
        } else if has(&["interval", "period", "every", "poll", "batchwait", "flush"]) && lowers {
            seen(1.5, self.rose(&["requests", "rps", "qps", "quer", "calls", "cpu"]))
        } else if has(&["batch", "page", "chunk", "buffer", "prefetch", "size"]) && raises {
            seen(2.2, self.rose(&["memory", "heap", "rss", "gc"])).or_else(|| seen(1.5, self.rose(&["latency", "duration"])))
        } else if has(&[
            "max", "limit", "pool", "conn", "concurr", "worker", "thread", "quota", "capacity", "memory", "heap", "cpu", "replica", "size",
            "rate", "buffer",
        ]) && lowers
        {
            let full = [
                "exhausted",
                "acquir",
                "pool",
                "saturat",
                "rejected",
                "too many",
                "limit",
                "oom",
                "out of memory",
                "queue",
                "throttl",
                "rate limit",
                "429",
            ];
            said(2.2, &full, "what is full or refused has a lower ceiling since")
                .or_else(|| seen(1.5, self.rose(&["wait", "queue", "in_use", "throttl", "saturat", "latency"])))
        } else {
            None
        };
        found.or_else(|| {
            let alike = self.moved.iter().find(|moved| moved.words.intersection(&own).count() >= 2);
            alike.map(|moved| Fit { weight: 1.5, why: moved.told() })
        })
    }

    fn renamed(&self, from: &str, to: &str) -> Option<Fit> {
        let (from, to) = (from.to_lowercase(), to.to_lowercase());
        if matches!(to.as_str(), "debug" | "trace" | "verbose" | "all") {
            let more = self.rose(&["disk", "log", "bytes", "write", "io", "cpu", "ingest"]);
            return more.map(|moved| Fit { weight: 2.2, why: moved.told() });
        }
        let stands = |word: &str| {
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
            self.loud.match_indices(word).any(|(at, _)| {
                edge(self.loud.get(..at).and_then(|text| text.chars().next_back()))
                    && edge(self.loud.get(at + word.len()..).and_then(|text| text.chars().next()))
            })
        };
        let broken = self.says(&[
            "missing",
            "unknown",
            "not found",
            "no such",
            "undefined",
            "does not exist",
            "required",
            "unexpected",
            "cannot",
            "failed",
            "invalid",
        ]);
        if !broken || from.len() < 2 {
            None
        } else if stands(&from) {
            Some(Fit { weight: 2.8, why: format!("the log misses \"{from}\"") })
        } else {
            (to.len() >= 4 && stands(&to)).then(|| Fit { weight: 2.0, why: format!("the log stumbles over \"{to}\"") })
        }
    }

    fn unchecked(&self, check: &str) -> Option<Fit> {
        let check = check.to_lowercase();
        let of_absence = [
            "nil",
            "null",
            "none",
            "undefined",
            "empty",
            "len",
            "is_some",
            "exists",
            "has",
            "contains",
            "ok",
            "size",
            "optional",
            "present",
            "?.",
            "??",
            "&.",
            "|| {}",
            "|| []",
            "default",
            "unwrap_or",
            "orelse",
            "coalesce",
            "dig(",
            ".get(",
            "fetch(",
        ];
        let of_bounds = [">", "<", "len", "size", "max", "min", "limit", "count"];
        let any = |parts: &[&str]| parts.iter().any(|part| check.contains(part));
        if any(&of_absence)
            && self.says(&[
                "nil pointer",
                "nullpointer",
                "null reference",
                "nonetype",
                "undefined",
                "invalid memory address",
                "panic",
                "unwrap",
                "keyerror",
                "typeerror",
                "attributeerror",
                "nosuchelement",
                "index out of range",
                "null value",
                "not-null",
            ])
        {
            Some(Fit { weight: 2.8, why: "the program stumbles over what is not checked any more".to_owned() })
        } else if any(&of_bounds) {
            self.says(&[
                "out of range",
                "out of bounds",
                "overflow",
                "too large",
                "out of memory",
                "too long",
                "division by zero",
                "negative",
            ])
            .then(|| Fit { weight: 2.2, why: "the log shows values that were kept out before".to_owned() })
        } else {
            self.says(&["duplicate", "conflict", "unauthorized", "forbidden", "denied", "corrupt", "invalid", "inconsistent", "deadlock"])
                .then(|| Fit { weight: 1.2, why: "the log shows what was kept out before".to_owned() })
        }
    }
}

impl Moved<'_> {
    fn is_about(&self, parts: &[&str]) -> bool {
        let name = self.series.metric.to_lowercase();
        parts.iter().any(|part| name.contains(part))
    }

    fn told(&self) -> String {
        let number =
            |value: f64| if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{}", (value * 1_000.0).round() / 1_000.0) };
        format!("{} of {} went from {} to {}", self.series.metric, self.series.entity.name, number(self.before), number(self.during))
    }
}

/// Where a series was in the earlier part of its time, and where it is just before the alert.
fn moved(series: &Series, alerted: jiff::Timestamp) -> Option<Moved<'_>> {
    let (first, _) = series.points.first()?;
    let length = alerted.duration_since(*first).as_secs();
    let early: Vec<f64> =
        series.points.iter().filter(|(time, _)| time.duration_since(*first).as_secs() * 5 < length * 2).map(|(_, value)| *value).collect();
    let late: Vec<f64> = series
        .points
        .iter()
        .filter(|(time, _)| (-JUST_BEFORE_SECONDS..=AFTER_SECONDS).contains(&time.duration_since(alerted).as_secs()))
        .map(|(_, value)| *value)
        .collect();
    let (before, spread) = middle(&early)?;
    let (during, _) = middle(&late)?;
    let far = (during - before).abs();
    (early.len() >= 5 && far > MOVED_SPREADS * spread && far > MOVED_SHARE * before.abs()).then(|| Moved {
        series,
        words: words(&series.metric),
        before,
        during,
    })
}

/// The median and the median distance from it.
fn middle(values: &[f64]) -> Option<(f64, f64)> {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let center = median(finite.clone())?;
    let spread = median(finite.iter().map(|value| (value - center).abs()).collect())?;
    Some((center, spread * 1.4826))
}
