//! How many secrets were taken, by rule: of one text, and of the process since it began.

use std::sync::atomic::{AtomicU64, Ordering};

use super::rules::{RULES, Rule};

static TAKEN: [AtomicU64; RULES.len()] = [const { AtomicU64::new(0) }; RULES.len()];

/// Secrets taken out of one text, by rule.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Counts([u32; RULES.len()]);

impl Counts {
    /// Rule name and number of every rule that took something.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> {
        RULES.iter().zip(self.0).filter(|(_, many)| *many > 0).map(|((_, name), many)| (*name, many))
    }

    /// How many secrets the rule of that name took.
    pub fn of(&self, name: &str) -> u32 {
        self.iter().find(|(rule, _)| *rule == name).map_or(0, |(_, many)| many)
    }

    /// How many secrets were taken.
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, many| sum.saturating_add(*many))
    }

    /// Counts one, here and for the process.
    pub(super) fn add(&mut self, rule: Rule) {
        if let Some(many) = self.0.get_mut(rule.rank()) {
            *many = many.saturating_add(1);
        }
        if let Some(many) = TAKEN.get(rule.rank()) {
            many.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

/// Every rule and how many secrets it took since the process began; also those that took none, so that a metric has all its series.
pub fn taken() -> impl Iterator<Item = (&'static str, u64)> {
    RULES.iter().zip(&TAKEN).map(|((_, name), many)| (*name, many.load(Ordering::Relaxed)))
}
