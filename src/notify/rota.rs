//! Who is on call now, by the name of a schedule: one of the file, or one of a paging service.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{OnCall, Person, Schedules, next_change, who};

/// All schedules that escalation can call by name. A name of the file goes before the same name of a service.
#[derive(Default)]
pub struct Rota {
    schedules: Schedules,
    /// Our name to the service and its own id of the schedule.
    services: BTreeMap<String, (Arc<OnCall>, String)>,
}

/// Who has the turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// Nobody where no layer has anybody, or where nobody says it.
    pub people: Vec<Person>,
    /// When somebody else takes over; only a file tells it, and at most 92 days ahead.
    pub until: Option<Timestamp>,
    /// Why it may be old, or why it is not known.
    pub stale: Option<String>,
}

impl Rota {
    pub fn new(schedules: Schedules, services: BTreeMap<String, (Arc<OnCall>, String)>) -> Self {
        Self { schedules, services }
    }

    /// The names, sorted.
    pub fn names(&self) -> Vec<&str> {
        let services = self.services.keys().filter(|name| !self.schedules.0.contains_key(*name));
        let mut names: Vec<&str> = self.schedules.0.keys().chain(services).map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Who has the turn in the schedule of this name.
    pub async fn turn(&self, name: &str, now: Timestamp) -> Turn {
        if let Some(schedule) = self.schedules.0.get(name) {
            return Turn { people: who(schedule, now), until: next_change(schedule, now), stale: None };
        }
        let Some((service, id)) = self.services.get(name) else {
            return Turn { stale: Some("there is no such schedule".to_owned()), ..Turn::default() };
        };
        match service.who(id).await {
            Ok(standby) => Turn { people: standby.people, until: None, stale: standby.stale },
            Err(error) => Turn { stale: Some(error.to_string()), ..Turn::default() },
        }
    }
}
