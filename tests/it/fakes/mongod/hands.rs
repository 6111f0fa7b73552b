//! What tests do with the changes that the server carries out: sets of members, operations that do not end, and what was received.

use std::sync::{Arc, Mutex};

use mongodb::bson::{Bson, Document, doc};

use super::{FakeMongod, Member, Options};

/// A command that would change something, as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub user: String,
    pub database: String,
    pub command: Document,
    pub carried_out: bool,
}

impl FakeMongod {
    /// A set of so many members whose first is the primary, and whose hellos name each other. Each has these options; a client may
    /// come with [`Self::set_uri`].
    pub async fn replica_set(members: usize, options: Options) -> Vec<Self> {
        let mut all = Vec::new();
        for at in 0..members {
            let member = if at == 0 { Member::Primary } else { Member::Secondary };
            all.push(Self::start(options.clone().member(member)).await);
        }
        let known_primary = Arc::new(Mutex::new(all.first().map(|first| first.address.clone())));
        for one in &all {
            let others = all.iter().filter(|other| other.address != one.address);
            let mut state = one.state();
            state.peers = others.map(|other| (other.address.clone(), Arc::downgrade(&other.state))).collect();
            state.known_primary = Arc::clone(&known_primary);
        }
        all
    }

    /// As [`Self::uri`], for the whole set: the driver finds the primary by itself.
    pub fn set_uri(&self, user: &str, password: &str) -> String {
        self.uri(user, password).replace("directConnection=true", "replicaSet=rs0")
    }

    /// What the server is by now: a step down changes it.
    pub fn member(&self) -> Member {
        self.state().member
    }

    /// A killed operation of this id does not end, and shows `killPending` for ever.
    pub fn never_ends(&self, opid: impl Into<Bson>) {
        self.state().changes.stubborn.push(opid.into());
    }

    /// No secondary is near enough to take over: a step down without force fails.
    pub fn secondaries_lag(&self) {
        self.state().changes.lagging = true;
    }

    /// The ids of killed operations, in order, also such that never were.
    pub fn killed(&self) -> Vec<Bson> {
        self.state().changes.killed.clone()
    }

    /// Profiling level, `slowms` and `sampleRate` of a database, as they are now.
    pub fn profiling(&self, database: &str) -> (i32, i32, f64) {
        let state = self.state();
        let level = state.changes.levels.get(database).copied();
        let known = state.scripted("profile", database, &doc! {"profile": -1}).unwrap_or_default();
        state.changes.profiling(level, &known)
    }

    /// As [`Self::writes`], with who sent it (empty: nobody had logged in) and whether it was carried out.
    pub fn received_writes(&self) -> Vec<Received> {
        self.state().changes.received.clone()
    }
}
