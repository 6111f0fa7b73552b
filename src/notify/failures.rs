//! How often an administrator is told of unexpected failures: of each kind once in a while, with a count, never of each one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// How long a kind is quiet after it was told of: as long as it takes somebody to look.
const QUIET: SignedDuration = SignedDuration::from_mins(15);
/// How many kinds are told apart.
const KINDS_MAX: usize = 64;
/// The kind of all failures beyond that.
const OTHERS: &str = "other failures";

/// What was told of, and how much came since.
#[derive(Debug, Clone, Default)]
pub struct Failures(BTreeMap<String, Told>);

#[derive(Debug, Clone, Copy)]
struct Told {
    at: Timestamp,
    /// How many came since then and were kept quiet.
    since: u64,
}

impl Failures {
    /// A failure of this kind happened `now`. `Some` when an administrator is to be told: how many there were since the last
    /// time, this one included. At most once per kind in 15 minutes; kinds beyond 64 share one.
    pub fn tell(&mut self, kind: &str, now: Timestamp) -> Option<u64> {
        let kind = if self.0.contains_key(kind) || self.has_room(now) { kind } else { OTHERS };
        match self.0.get_mut(kind) {
            // Also when the clock was put back: it would be quiet until the clock is where it was.
            Some(told) if now.duration_since(told.at).abs() < QUIET => {
                told.since = told.since.saturating_add(1);
                None
            }
            Some(told) => {
                let count = told.since.saturating_add(1);
                *told = Told { at: now, since: 0 };
                Some(count)
            }
            None => {
                self.0.insert(kind.to_owned(), Told { at: now, since: 0 });
                Some(1)
            }
        }
    }

    /// Whether one more kind can be told apart; forgets kinds that have nothing more to say where there is none.
    fn has_room(&mut self, now: Timestamp) -> bool {
        // One place is kept for the others.
        if self.0.len() + 1 >= KINDS_MAX {
            self.0.retain(|_, told| told.since > 0 || now.duration_since(told.at).abs() < QUIET);
        }
        if self.0.len() + 1 >= KINDS_MAX {
            let past = self.0.iter().filter(|(_, told)| now.duration_since(told.at).abs() >= QUIET);
            let oldest = past.min_by_key(|(_, told)| told.at).map(|(kind, _)| kind.clone());
            if let Some(kind) = oldest {
                self.0.remove(&kind);
            }
        }
        self.0.len() + 1 < KINDS_MAX
    }
}
