//! Evidence on disk: whatever an on-call engineer collected, each file recognised by its content.

pub mod logs;
pub mod mongod;
pub mod telemetry;

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

impl Bundle {
    /// Reads a folder or a `.tar.gz`.
    ///
    /// # Errors
    /// When `path` does not exist or is neither.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        if !path.exists() {
            return Err(BundleError { path: path.display().to_string(), reason: "there is no such file or folder".to_owned() });
        }
        Ok(Self { observations: Observations::default() })
    }

    pub fn observations(&self) -> &Observations {
        &self.observations
    }

    /// The tools that answer from this bundle.
    pub fn tools(self) -> Vec<Arc<dyn Tool>> {
        Vec::new()
    }
}
