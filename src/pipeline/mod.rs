//! Everything after "recorded", one file per step: queue → group → route → investigate → conclude → publish, and what people do.
//!
//! Each step reads what it needs from the store, decides, and commits its decision in one durable step. A worker that dies
//! loses its lease, and the next one starts the same step again; a worker that comes back late is refused by its epoch.

mod act;
mod anchors;
mod ask;
mod calls;
mod changes;
mod conclude;
mod ctx;
mod files;
mod further;
mod group;
mod heartbeats;
mod investigate;
mod members;
mod mentions;
mod progress;
mod publish;
mod queue;
mod replay;
mod replies;
mod rights;
mod route;
mod runs;
mod slots;
mod stop;
mod storm;
mod task;
mod tell;
#[cfg(test)]
mod tests;
mod timers;

pub use ctx::{Anchors, Calling, Ctx, Mentions, Settings};
pub use group::Grouping;
pub use queue::{Outcome, run, tick};
pub use stop::Stops;
