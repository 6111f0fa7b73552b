//! What a metric measures, told from its name.

/// The kind of signal; it decides which direction is bad and what a unit of it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    Latency,
    /// A share of what worked: success rate, availability.
    Availability,
    Errors,
    Cpu,
    Memory,
    /// Something that fills up: a queue, a pool, work in flight.
    Backlog,
    /// A share that should stay high without being success: cache hits.
    HitRatio,
    Traffic,
}

/// Which way a signal goes when things go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    Up,
    Down,
    Either,
}

impl Family {
    /// The family of a metric; `None` for what says nothing about one service's health.
    pub fn of(metric: &str) -> Option<Self> {
        let name = metric.to_lowercase();
        let any = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if name.starts_with("node") {
            // The host's value is shared by all that runs on it.
            None
        } else if any(&["hit_ratio", "hit_rate", "hitratio", "hitrate"]) {
            Some(Self::HitRatio)
        } else if any(&["success", "availab", "uptime"]) {
            Some(Self::Availability)
        } else if any(&["queue", "backlog", "in_use", "inflight", "in_flight", "pending", "oldest", "lag"]) && !any(&["wait", "duration"]) {
            Some(Self::Backlog)
        } else if any(&["latency", "duration", "response_time", "responsetime", "p99", "p95", "p90", "p50", "wait", "elapsed"]) {
            Some(Self::Latency)
        } else if any(&["error", "fail", "5xx", "4xx", "401", "500", "rejected", "timeout", "exception", "fault"]) {
            Some(Self::Errors)
        } else if name.contains("cpu") {
            Some(Self::Cpu)
        } else if any(&["memory", "heap", "rss"]) {
            Some(Self::Memory)
        } else if any(&["requests", "rps", "qps", "workload", "throughput", "ops", "calls", "invocations"]) {
            Some(Self::Traffic)
        } else {
            None
        }
    }

    pub fn bad(self) -> Bad {
        match self {
            Self::Availability | Self::HitRatio => Bad::Down,
            Self::Traffic => Bad::Either,
            _ => Bad::Up,
        }
    }

    /// The least spread, as a share of the middle value: a share of what worked stands still at 100 % and every part of a percent counts.
    pub fn least_spread(self) -> f64 {
        match self {
            Self::Availability => 0.002,
            _ => 0.01,
        }
    }

    /// Whether going from `before` to `now` matters to anybody: a tenth more of nearly nothing is nothing.
    pub fn matters(self, before: f64, now: f64) -> bool {
        match self {
            // Half a percent more of failed requests. Source: common availability objectives of 99.5 % and above.
            Self::Availability => (now - before).abs() > 0.005 * before.abs(),
            _ => (now - before).abs() > 0.1 * before.abs(),
        }
    }

    /// How much a deviation of this family says about the service itself, when nothing in particular was asked.
    pub fn weight(self) -> f64 {
        match self {
            Self::Latency | Self::Availability | Self::Errors => 1.0,
            Self::Cpu => 0.8,
            Self::Memory | Self::Backlog | Self::HitRatio => 0.5,
            Self::Traffic => 0.0,
        }
    }

    /// What the alert's words ask about.
    pub fn asked(text: &str) -> Option<Self> {
        let words = text.to_lowercase();
        let any = |list: &[&str]| list.iter().any(|word| words.contains(word));
        let slow = any(&["latency", "slow", "duration", "response time", "p99", "p95", "p90"]);
        let failing = any(&["availab", "success rate", "error rate", "errors", "5xx", "failure"]);
        match (slow, failing) {
            (true, false) => Some(Self::Latency),
            (false, true) => Some(Self::Availability),
            _ => None,
        }
    }

    /// The two measure the same trouble: failing is seen as less success or more errors.
    pub fn is_like(self, asked: Self) -> bool {
        let failing = |family| matches!(family, Self::Availability | Self::Errors);
        self == asked || failing(self) && failing(asked)
    }
}
