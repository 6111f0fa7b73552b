//! How the live systems are, asked once in a while for whoever looks.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::{model::Finding, tools::Backend};

/// How long an answer is good for: a page that is loaded again and again burdens nobody.
const KEEP: SignedDuration = SignedDuration::from_secs(60);
/// How long one system is waited for.
const WAIT: Duration = Duration::from_secs(8);

/// The systems, and what they said last.
#[derive(Default)]
pub struct Live {
    backends: Vec<Arc<dyn Backend>>,
    last: Mutex<Option<(Timestamp, Vec<Finding>)>>,
}

impl Live {
    pub fn new(backends: Vec<Arc<dyn Backend>>) -> Self {
        Self { backends, last: Mutex::default() }
    }

    /// How they are, and when they were asked.
    pub async fn look(&self, now: Timestamp) -> (Timestamp, Vec<Finding>) {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = last.as_ref().filter(|(at, _)| now.duration_since(*at) < KEEP) {
            return (*at, found.clone());
        }
        let asked = self.backends.iter().map(|backend| async {
            let late =
                || vec![Finding::lacking("a live system", format!("no answer in {} s", WAIT.as_secs()), "`sre-agent doctor` says which.")];
            tokio::time::timeout(WAIT, backend.examine()).await.unwrap_or_else(|_| late())
        });
        let found: Vec<Finding> = join_all(asked).await.into_iter().flatten().collect();
        *last = Some((now, found.clone()));
        (now, found)
    }
}
