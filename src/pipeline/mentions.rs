//! The mention policy: whom a new incident's first card mentions. Nothing else mentions anybody by itself.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::Mentions;
use crate::model::Priority;

/// Who is mentioned for an incident of this priority that opens `now`: user ids and user group ids, as configured.
pub fn of(policy: &Mentions, priority: Priority, now: Timestamp) -> Vec<String> {
    if priority != Priority::P0 && is_quiet(policy, now) {
        return Vec::new();
    }
    policy.who.get(&priority).cloned().unwrap_or_default()
}

/// Between the quiet hours, the first minute included and the last not, by the clock on the wall of the policy's time zone.
fn is_quiet(policy: &Mentions, now: Timestamp) -> bool {
    let Some((from, to)) = policy.quiet else { return false };
    let time = now.to_zoned(policy.timezone.clone()).time();
    if from <= to { from <= time && time < to } else { time >= from || time < to }
}
