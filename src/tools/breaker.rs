//! A circuit breaker: a backend that fails again and again is left alone for a while instead of costing every investigation
//! its time-out.

use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row open the circuit. Source: five 8-second waits are what one incident can bear.
pub const FAILURES: u32 = 5;
/// How long it stays open before one call may try again.
pub const OPEN: Duration = Duration::from_secs(30);

/// The state of one backend's circuit.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    /// Open until then; from then on one call at a time may try.
    until: Option<Instant>,
    /// A call is trying whether the backend is back.
    trying: bool,
    last: String,
}

impl Breaker {
    /// Whether a call may go ahead; otherwise the sentence that says why not.
    pub fn admit(&mut self, now: Instant) -> Result<(), String> {
        let Some(until) = self.until else { return Ok(()) };
        if now >= until && !self.trying {
            self.trying = true;
            return Ok(());
        }
        let wait = until.saturating_duration_since(now).as_secs().max(1);
        Err(format!("not asked: it failed {} times in a row ({}); it is tried again in {wait} s", self.failures, self.last))
    }

    /// The backend answered, if only with a refusal.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// The call was given up by its caller, so that nothing is known.
    pub fn abandoned(&mut self) {
        self.trying = false;
    }

    /// The backend failed.
    pub fn failed(&mut self, now: Instant, message: &str) {
        self.failures = self.failures.saturating_add(1);
        message.clone_into(&mut self.last);
        self.trying = false;
        if self.failures >= FAILURES {
            self.until = Some(now + OPEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_open_it_and_one_call_tries_again() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            breaker.admit(start).unwrap();
            breaker.failed(start, "connection refused");
        }
        let said = breaker.admit(start).unwrap_err();
        assert_eq!(said, "not asked: it failed 5 times in a row (connection refused); it is tried again in 30 s");
        let later = start + OPEN;
        breaker.admit(later).unwrap();
        breaker.admit(later).unwrap_err();
        breaker.failed(later, "connection refused");
        breaker.admit(later + Duration::from_secs(1)).unwrap_err();
        breaker.admit(later + OPEN).unwrap();
        breaker.answered();
        breaker.admit(later + OPEN).unwrap();
        breaker.admit(later + OPEN).unwrap();
    }

    #[test]
    fn a_trial_that_was_given_up_does_not_keep_it_shut() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        (0..FAILURES).for_each(|_| breaker.failed(start, "x"));
        breaker.admit(start + OPEN).unwrap();
        breaker.abandoned();
        breaker.admit(start + OPEN).unwrap();
    }
}
