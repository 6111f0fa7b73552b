//! What tests do to the cluster by hand besides putting objects: rights, failures of writes, its time; and what was written.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{FakeCluster, Inner, Key, pods, rights::User, writes::Write};

impl FakeCluster {
    /// What the token may do, in place of what it might: `verb resource` or `verb resource namespace`, as `get,list *`,
    /// `patch deployments shop`, `create pods/eviction`, `* */scale`. `name` is whose it is. Until then the token of
    /// [`Self::start`] may read everything and write nothing, and other tokens are unknown.
    pub fn rights(&self, token: &str, name: &str, rights: &[&str]) {
        self.inner().users.insert(token.to_owned(), User::new(name, rights));
    }

    /// The token is unknown from now on: 401.
    pub fn revoke(&self, token: &str) {
        self.inner().users.remove(token);
    }

    /// What was to be written, in order, dry runs and refusals too; no access reviews.
    pub fn writes(&self) -> Vec<Write> {
        self.inner().writes.clone()
    }

    pub fn forget_writes(&self) {
        self.inner().writes.clear();
    }

    /// As [`Self::fail_next`], for writes alone.
    pub fn fail_next_write(&self, resource: &str, status: u16, times: usize) {
        self.inner().failing.insert(format!("write {resource}"), (status, times));
    }

    /// The next write of this resource is carried out, and never answered.
    pub fn lose_answer(&self, resource: &str) {
        self.inner().lost.insert(resource.to_owned());
    }

    /// The time that the cluster writes into what it makes, as in `2026-01-15T14:00:00Z`; without it, that of the machine.
    pub fn set_time(&self, now: &str) {
        self.inner().time = Some(now.parse().unwrap());
    }

    /// An object as it is now.
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.inner().objects.get(&key).map(|object| object.as_ref().clone())
    }

    /// All objects of a kind in a namespace (`""` for kinds without), by name.
    pub fn objects(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let all = self.inner();
        let fits = all.objects.iter().filter(|((known, place, _), _)| known == kind && place == namespace);
        fits.map(|(_, object)| object.as_ref().clone()).collect()
    }
}

impl Inner {
    /// Stores under the next version, and tells the watches.
    pub fn store(&mut self, what: &'static str, key: Key, mut object: Value) -> Value {
        self.version += 1;
        let version = self.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid-{version}"));
        }
        let kept = Arc::new(object.clone());
        self.objects.insert(key, Arc::clone(&kept));
        self.history.push((version, what, kept));
        object
    }

    pub fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let gone = self.objects.remove(key)?;
        self.version += 1;
        let version = self.version;
        // As the real one tells it: the last state, under the version of the removal.
        let mut last = (*gone).clone();
        last["metadata"]["resourceVersion"] = json!(version.to_string());
        self.history.push((version, "DELETED", Arc::new(last)));
        self.sick.remove(key);
        Some(gone)
    }

    /// The test's time, or that of the machine.
    pub fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "a server of its own, with its own clock")]
        self.time.unwrap_or_else(Timestamp::now)
    }

    /// Five letters for the next name.
    pub fn letters(&mut self) -> String {
        self.names += 1;
        // Spread, so that names look generated and yet are the same in each run.
        pods::letters(self.names.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16, 5)
    }
}
