//! Evidence on disk: whatever an on-call engineer collected, each file recognised by its content.

pub mod logs;
pub mod mongod;
pub mod telemetry;

mod database;
mod describe;
mod embedded;
mod files;
mod names;
mod objects;
mod pasted;
mod rescue;
mod secrets;
mod sniff;
mod table;
mod tools;
mod transcript;
mod unseen;
mod wrapping;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use super::Tool;
use crate::model::observation::Observations;

/// A bundle, read once; its tools answer from memory.
pub struct Bundle {
    observations: Observations,
}

/// The bundle itself cannot be opened; a file inside that cannot be read is a gap instead.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the bundle {path}: {reason}")]
pub struct BundleError {
    pub path: String,
    pub reason: String,
}

/// Reads the answer of a live system; its form is told from its content, as a file's is.
pub fn answer(source: &str, bytes: &[u8]) -> Observations {
    let mut observations = Observations::default();
    sniff::read(source, bytes, &mut observations);
    observations
}

/// Reads one Kubernetes object that is parsed already.
pub fn object(source: &str, value: &serde_json::Value, out: &mut Observations) {
    objects::read(source, value, out);
}

impl Bundle {
    /// Reads a folder, a `.tar`, a `.tar.gz` or a single file.
    ///
    /// # Errors
    /// When `path` does not exist or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let mut observations = Observations::default();
        let mut intake = files::Intake::default();
        intake
            .visit(path, &mut |source, bytes| sniff::read(source, bytes, &mut observations))
            .map_err(|error| BundleError { path: path.display().to_string(), reason: error.to_string() })?;
        observations.gaps.append(&mut intake.gaps);
        Ok(Self::of(observations))
    }

    /// Reads files that are in memory already, by their names.
    pub fn of_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut observations = Observations::default();
        for (name, bytes) in files {
            sniff::read(name, bytes, &mut observations);
        }
        Self::of(observations)
    }

    /// What single files could not tell: names that stand in other files, events inside of documents, what was never collected.
    fn of(mut observations: Observations) -> Self {
        observations.gaps.sort();
        observations.gaps.dedup();
        let embedded: Vec<_> = observations.documents.iter().flat_map(embedded::events).collect();
        observations.events.extend(embedded);
        unseen::add(&mut observations);
        names::attach(&mut observations);
        if observations == Observations::default() {
            observations.gaps.push("the bundle holds no evidence: there is nothing in it that could be read".to_owned());
        }
        Self { observations }
    }

    pub fn observations(&self) -> &Observations {
        &self.observations
    }

    /// The tools that answer from this bundle.
    pub fn tools(self) -> Vec<Arc<dyn Tool>> {
        tools::split(self.observations)
    }
}
