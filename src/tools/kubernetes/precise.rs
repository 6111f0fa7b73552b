//! Precise questions of a person or a model: the objects of a kind, one container's log.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Kubernetes,
    kinds::{self, ALL},
    lists::Which,
    pods::Wanted,
};
use crate::tools::{Output, ToolError, live::Gathering};

/// How many objects a person is given.
const OBJECTS_MAX: usize = 200;

/// Which objects.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Get {
    /// A kind as `kubectl get` takes it: `pods`, `Deployment`, `hpa`…
    kind: String,
    /// All namespaces where it is empty.
    #[serde(default)]
    namespace: String,
    /// One object; all where it is empty.
    #[serde(default)]
    name: String,
    /// As of `kubectl get -l`: `app=checkout,tier!=cache`.
    #[serde(default)]
    label_selector: String,
    /// As of `kubectl get --field-selector`: `status.phase=Pending`.
    #[serde(default)]
    field_selector: String,
}

/// Which log.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    namespace: String,
    pod: String,
    /// May be left out where the pod has a single one.
    #[serde(default)]
    container: String,
    /// The log of the run before the present one.
    #[serde(default)]
    previous: bool,
    /// How many lines of its end: 1 to 5000.
    #[serde(default = "lines")]
    #[schemars(range(min = 1, max = 5000))]
    tail_lines: u32,
}

fn lines() -> u32 {
    500
}

impl Kubernetes {
    pub(super) async fn get(&self, tool: &str, wanted: Get) -> Result<Output, ToolError> {
        let Some(kind) = kinds::find(&wanted.kind) else {
            let known: Vec<&str> = ALL.iter().map(|kind| kind.plural).collect();
            return Err(ToolError::arguments(tool, format!("`kind`: {} is not one of {}", wanted.kind, known.join(", "))));
        };
        check_name(tool, "namespace", &wanted.namespace)?;
        check_name(tool, "name", &wanted.name)?;
        let mut fields = wanted.field_selector;
        if !wanted.name.is_empty() {
            let comma = if fields.is_empty() { "" } else { "," };
            fields = format!("{fields}{comma}metadata.name={}", wanted.name);
        }
        let which = Which::within(&wanted.namespace).fields(fields).labels(wanted.label_selector);
        let listed = self.lists.get(tool, *kind, which.clone()).await?;
        let mut gathering = Gathering::default();
        self.add(&mut gathering, *kind, &which, &listed);
        let found = gathering.observations();
        if found.objects.len() > OBJECTS_MAX || found.events.len() > OBJECTS_MAX {
            found.objects.truncate(OBJECTS_MAX);
            found.events.truncate(OBJECTS_MAX);
            gathering.cut();
        }
        gathering.finish()
    }

    pub(super) async fn log(&self, tool: &str, wanted: Log) -> Result<Output, ToolError> {
        for (field, value) in [("namespace", &wanted.namespace), ("pod", &wanted.pod), ("container", &wanted.container)] {
            check_name(tool, field, value)?;
            if value.is_empty() && field != "container" {
                return Err(ToolError::arguments(tool, format!("`{field}` is empty")));
            }
        }
        if !(1..=5000).contains(&wanted.tail_lines) {
            return Err(ToolError::arguments(tool, format!("`tail_lines`: {} is not between 1 and 5000", wanted.tail_lines)));
        }
        let log = Wanted::new(&wanted.namespace, &wanted.pod, &wanted.container, wanted.previous);
        let text = self.read(tool, &log, None, wanted.tail_lines).await?;
        let mut gathering = Gathering::default();
        self.take_log(&mut gathering, &log, &text);
        gathering.finish()
    }
}

/// A name becomes part of an address: only what a Kubernetes name may hold.
fn check_name(tool: &str, field: &str, name: &str) -> Result<(), ToolError> {
    let fine = name.len() <= 253
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && !name.starts_with('.');
    if fine {
        Ok(())
    } else {
        Err(ToolError::arguments(tool, format!("`{field}` is no name that Kubernetes knows: small letters, digits, `-` and `.`")))
    }
}
