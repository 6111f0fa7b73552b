//! Who may do what: a table of tokens, and the server's answer to somebody who asks what they may do.

use serde_json::{Value, json};

use super::refusals::{Refusal, invalid_value};

/// Who a token belongs to.
#[derive(Debug, Clone)]
pub struct User {
    pub name: String,
    rights: Vec<Right>,
}

/// `verb resource`, and where the right holds: everywhere, or in one namespace.
#[derive(Debug, Clone)]
struct Right {
    verbs: Vec<String>,
    resource: String,
    namespace: Option<String>,
}

impl User {
    /// Each right is `verb resource` or `verb resource namespace`: `patch deployments shop`, `get,list *`, `create pods/eviction`,
    /// `* */scale`. As in a role, `*` is every resource with its subresources, and `pods` is not `pods/log`.
    pub fn new(name: &str, rights: &[&str]) -> Self {
        let right = |text: &&str| {
            let mut words = text.split_whitespace();
            let (verbs, resource) = (words.next(), words.next());
            let (Some(verbs), Some(resource)) = (verbs, resource) else {
                panic!("`{text}` is no right: write `verb resource [namespace]`")
            };
            let verbs = verbs.split(',').map(str::to_owned).collect();
            Right { verbs, resource: resource.to_owned(), namespace: words.next().map(str::to_owned) }
        };
        Self { name: name.to_owned(), rights: rights.iter().map(right).collect() }
    }

    /// `resource` with its subresource: `pods/log`.
    pub fn may(&self, verb: &str, resource: &str, namespace: Option<&str>) -> bool {
        self.rights.iter().any(|right| {
            let sub = right.resource.strip_prefix("*/").is_some_and(|sub| resource.split_once('/').is_some_and(|(_, asked)| asked == sub));
            right.verbs.iter().any(|known| known == "*" || known == verb)
                && (right.resource == "*" || right.resource == resource || sub)
                && (right.namespace.is_none() || right.namespace.as_deref() == namespace)
        })
    }
}

/// Answers a SelfSubjectAccessReview; `forbidden` are verbs and resources that nobody may use.
pub fn review(user: &User, review: &Value, forbidden: impl Fn(&str, &str) -> bool) -> Result<Value, Refusal> {
    if review["kind"] != "SelfSubjectAccessReview" || review["apiVersion"] != "authorization.k8s.io/v1" {
        return Err(Refusal::bad_request(
            "the object provided is unrecognized (must be of type SelfSubjectAccessReview): couldn't get version/kind",
        ));
    }
    let (asked, path) = (&review["spec"]["resourceAttributes"], &review["spec"]["nonResourceAttributes"]);
    if asked.is_null() == path.is_null() {
        let cause =
            invalid_value("spec.resourceAttributes", asked, "exactly one of nonResourceAttributes or resourceAttributes must be specified");
        return Err(Refusal::invalid("SelfSubjectAccessReview.authorization.k8s.io", "", &[cause]));
    }
    let text = |field: &str| asked[field].as_str().unwrap_or_default();
    let resource = match text("subresource") {
        "" => text("resource").to_owned(),
        sub => format!("{}/{sub}", text("resource")),
    };
    let namespace = Some(text("namespace")).filter(|namespace| !namespace.is_empty());
    // Every user may discover, by the role that every cluster has.
    let allowed = if asked.is_null() {
        path["verb"] == "get" && ["/api", "/apis", "/version", "/healthz"].iter().any(|known| path["path"] == *known)
    } else {
        user.may(text("verb"), &resource, namespace) && !forbidden(text("verb"), &resource)
    };
    let mut answer = review.clone();
    answer["metadata"] = json!({});
    answer["status"] =
        if allowed { json!({"allowed": true, "reason": "RBAC: allowed by RoleBinding of the test"}) } else { json!({"allowed": false}) };
    Ok(answer)
}
