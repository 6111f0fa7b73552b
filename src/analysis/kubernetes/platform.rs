//! Objects of operators and platforms, which say of themselves whether they are well.

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{condition, list, reason_and_message, short, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

pub fn check(look: &Look<'_>, out: &mut Checked) {
    let mut well = 0_usize;
    for thing in look.cluster.things() {
        let before = out.findings.len();
        match thing.kind {
            "CatalogSource" => state(look, thing, out),
            "ClusterServiceVersion" => phase(look, thing, &["Succeeded"], out),
            "InstallPlan" if thing.text("/status/phase") == "RequiresApproval" => out.findings.push(look.housekeeping(
                thing,
                Category::PlatformObject,
                format!("InstallPlan {} is in phase RequiresApproval: it waits for somebody to approve it", thing.path()),
            )),
            "InstallPlan" => phase(look, thing, &["Complete"], out),
            "Subscription" => subscription(look, thing, out),
            "ClusterCatalog" | "ClusterExtension" => olm_v1(look, thing, out),
            "ClusterOperator" => cluster_operator(look, thing, out),
            "Application" => argo(look, thing, out),
            "APIService" => good_when_true(look, thing, &["Available"], out),
            "Certificate" | "Issuer" | "ClusterIssuer" | "CertificateRequest" | "Kustomization" | "HelmRelease" | "GitRepository"
            | "HelmRepository" | "HelmChart" | "OCIRepository" | "ExternalSecret" | "SecretStore" | "ClusterSecretStore" | "Cluster"
            | "Machine" | "MachineDeployment" | "KafkaTopic" | "Kafka" => good_when_true(look, thing, &["Ready"], out),
            "PolicyReport" | "ClusterPolicyReport" => policy_report(look, thing, out),
            "CustomResourceDefinition" => good_when_true(look, thing, &["Established", "NamesAccepted"], out),
            _ if is_custom(thing) => custom(look, thing, out),
            _ => {}
        }
        well += usize::from(thing.kind == "ClusterOperator" && out.findings.len() == before);
    }
    operator_groups(look, out);
    if well > 0 {
        out.ruled_out.push(format!("{well} cluster operator(s) are available and not degraded"));
    }
}

fn unwell(look: &Look<'_>, thing: &Thing<'_>, category: Category, statement: String, summary: String) -> Finding {
    Finding::new(category, Role::Cause, thing.entity(), statement)
        .strength(0.8)
        .saw(look.field(thing, summary))
        .falsifier("the object reports itself as well again")
        .fix(format!("kubectl describe {} {}{}", thing.kind.to_lowercase(), thing.name, in_namespace(&thing.namespace)))
}

fn state(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let state = thing.text("/status/connectionState/lastObservedState");
    if state.is_empty() || state == "READY" {
        return;
    }
    let address = thing.text("/status/connectionState/address");
    out.findings.push(unwell(
        look,
        thing,
        Category::PlatformObject,
        format!("CatalogSource {} is not ready: connectionState {state} (address {address})", thing.path()),
        format!("CatalogSource {}: lastObservedState {state}, address {address}", thing.path()),
    ));
}

fn phase(look: &Look<'_>, thing: &Thing<'_>, good: &[&str], out: &mut Checked) {
    let phase = thing.text("/status/phase");
    if phase.is_empty() || good.contains(&phase) {
        return;
    }
    // A phase on the way is not a failure until it has lasted.
    let moving = ["Installing", "Pending", "InstallReady", "Replacing", "Deleting", "Planning"].contains(&phase);
    let young = look.cluster.age_of_thing(thing).is_some_and(|age| age < look.thresholds.rollout_minutes * 60);
    if moving && young {
        return;
    }
    let own = reason_and_message(&thing.body.pointer("/status").cloned().unwrap_or_default());
    let told = thing.list("/status/conditions").iter().rev().map(reason_and_message).find(|words| !words.is_empty()).unwrap_or_default();
    let why = short(if own.is_empty() { &told } else { &own }, 180);
    out.findings.push(unwell(
        look,
        thing,
        Category::PlatformObject,
        format!("{} {} is in phase {phase}: {why}", thing.kind, thing.path()),
        format!("{} {}: phase {phase}, {why}", thing.kind, thing.path()),
    ));
}

fn subscription(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let state = thing.text("/status/state");
    let failed = thing.list("/status/conditions").iter().find(|condition| {
        text(condition, "/status") == "True"
            && ["CatalogSourcesUnhealthy", "InstallPlanFailed", "ResolutionFailed", "InstallPlanMissing", "BundleUnpackFailed"]
                .contains(&text(condition, "/type"))
    });
    if (state.is_empty() || state == "AtLatestKnown") && failed.is_none() {
        return;
    }
    let why =
        failed.map(|condition| format!("{}, {}", text(condition, "/type"), short(&reason_and_message(condition), 160))).unwrap_or_default();
    out.findings.push(unwell(
        look,
        thing,
        Category::PlatformObject,
        format!("Subscription {} is not at the latest version: state {state} {why}", thing.path()),
        format!("Subscription {}: state {state} {why}", thing.path()),
    ));
}

/// OLM v1: an invalid source, or conditions that say that it is not there yet.
fn olm_v1(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let (kind, name) = (thing.kind, thing.name);
    let mut problems: Vec<String> = Vec::new();
    if kind == "ClusterExtension" {
        let policy = thing.text("/spec/source/catalog/upgradeConstraintPolicy");
        if thing.text("/spec/source/sourceType") == "Catalog"
            && !["CatalogProvided", "SelfCertified"].contains(&policy)
            && (!policy.is_empty() || thing.list("/status/conditions").is_empty())
        {
            problems.push(format!("has an invalid or missing source.catalog.upgradeConstraintPolicy {policy:?} (expecting 'SelfCertified' or 'CatalogProvided')"));
        }
        let source = thing.text("/spec/source/sourceType");
        if !source.is_empty() && source != "Catalog" {
            problems.push(format!("has an invalid source.sourceType {source:?} (expecting 'Catalog')"));
        }
    } else {
        let mode = thing.text("/spec/availabilityMode");
        if !["", "Available", "Unavailable"].contains(&mode) {
            problems.push(format!("has an invalid availabilityMode {mode:?} (expecting 'Available' or 'Unavailable')"));
        }
        if thing.int("/spec/source/image/pollIntervalMinutes").is_some_and(|minutes| minutes < 1) {
            problems.push("has an invalid source.image.pollIntervalMinutes (expecting at least 1)".to_owned());
        }
    }
    for condition in thing.list("/status/conditions") {
        let (state, status, reason) = (text(condition, "/type"), text(condition, "/status"), text(condition, "/reason"));
        let bad = match state {
            "Progressing" => status == "True" && ["Retrying", "Blocked"].contains(&reason) || status == "False" && reason == "Blocked",
            "Serving" | "Installed" => status == "False" && reason != "UserSpecifiedUnavailable",
            _ => false,
        };
        if bad {
            problems.push(format!("has condition of type {state}, reason {reason}: {}", short(text(condition, "/message"), 120)));
        }
    }
    if problems.is_empty() {
        return;
    }
    let all = problems.join("; ");
    out.findings.push(unwell(
        look,
        thing,
        Category::PlatformObject,
        format!("OLMv1 {kind} {name} {}", short(&all, 240)),
        format!("{kind} {name} {}", short(&all, 240)),
    ));
}

fn operator_groups(look: &Look<'_>, out: &mut Checked) {
    let groups: Vec<&Thing<'_>> = look.cluster.all("OperatorGroup").collect();
    for (at, group) in groups.iter().enumerate() {
        let first = groups.iter().position(|other| other.namespace == group.namespace) == Some(at);
        let same: Vec<&str> = groups.iter().filter(|other| other.namespace == group.namespace).map(|other| other.name).collect();
        if first && same.len() > 1 {
            out.findings.push(unwell(
                look,
                group,
                Category::PlatformObject,
                format!("Namespace {} has {} OperatorGroups ({}), only one is allowed", group.namespace, same.len(), same.join(", ")),
                format!("multiple OperatorGroups in namespace {}: {}", group.namespace, same.join(", ")),
            ));
        }
    }
}

fn cluster_operator(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    for (name, bad) in [("Available", "False"), ("Degraded", "True")] {
        let Some(found) = condition(&thing.body, name).filter(|condition| text(condition, "/status") == bad) else { continue };
        let why = short(&reason_and_message(found), 180);
        out.findings.push(unwell(
            look,
            thing,
            Category::PlatformObject,
            format!("ClusterOperator {} has {name}={bad}: {why}", thing.name),
            format!("ClusterOperator {}: {name}={bad}, {why}", thing.name),
        ));
    }
}

fn good_when_true(look: &Look<'_>, thing: &Thing<'_>, names: &[&str], out: &mut Checked) {
    for name in names {
        let Some(found) = condition(&thing.body, name).filter(|condition| text(condition, "/status") == "False") else { continue };
        let why = short(&reason_and_message(found), 200);
        let category = if thing.kind.starts_with("Certificate") || thing.kind.ends_with("Issuer") {
            Category::TlsCertificate
        } else {
            Category::PlatformObject
        };
        out.findings.push(unwell(
            look,
            thing,
            category,
            format!("{} {} is not {}: {why}", thing.kind, thing.path(), name.to_lowercase()),
            format!("{} {}: condition {name}=False, {why}", thing.kind, thing.path()),
        ));
    }
}

/// An object of somebody's own API group; those of Kubernetes itself have checks of their own.
fn is_custom(thing: &Thing<'_>) -> bool {
    let group = thing.text("/apiVersion").split('/').next().unwrap_or_default();
    group.contains('.') && !group.ends_with(".k8s.io")
}

/// By the conventions of the API: `Ready` is good when True, `Stalled` and `Degraded` are bad when True.
fn custom(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let young = look.cluster.age_of_thing(thing).is_some_and(|age| age < look.thresholds.rollout_minutes * 60);
    let on_purpose = ["suspend", "paus", "disabled", "inactive", "notapplicable", "unmanaged", "deleting"];
    let bad = thing.list("/status/conditions").iter().find(|state| {
        let wrong = match text(state, "/type") {
            "Ready" | "Available" | "Healthy" | "Synced" | "Reconciled" => "False",
            "Degraded" | "Stalled" | "Failed" | "Failure" | "Error" | "ReconcileError" => "True",
            _ => return false,
        };
        text(state, "/status") == wrong && !on_purpose.iter().any(|word| text(state, "/reason").to_lowercase().contains(word))
    });
    let Some(state) = bad.filter(|_| !(thing.is_going() || young && look.cluster.now_is_known())) else { return };
    let (kind, path) = (thing.kind, thing.path());
    let why = short(&reason_and_message(state), 200);
    let said = format!("{}={}", text(state, "/type"), text(state, "/status"));
    let found = unwell(
        look,
        thing,
        Category::PlatformObject,
        format!("{kind} {path} reports {said}: {why}"),
        format!("{kind} {path}: condition {said}, {why}"),
    );
    out.findings.push(found.strength(0.6));
}

/// Argo CD: an operation that failed, resources that cannot be applied, health that is gone.
fn argo(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    let (sync, health) = (thing.text("/status/sync/status"), thing.text("/status/health/status"));
    let (phase, message) = (thing.text("/status/operationState/phase"), thing.text("/status/operationState/message"));
    let errors: Vec<String> = thing
        .list("/status/conditions")
        .iter()
        .filter(|condition| text(condition, "/type").ends_with("Error"))
        .map(|condition| short(text(condition, "/message"), 160))
        .collect();
    let failed = ["Failed", "Error"].contains(&phase);
    let bad_health = ["Degraded", "Missing", "Unknown"].contains(&health);
    if !failed && errors.is_empty() && !(bad_health && sync != "Unknown") {
        return;
    }
    let why = if message.is_empty() { errors.join("; ") } else { short(message, 220) };
    let colon = if why.is_empty() { String::new() } else { format!(": {why}") };
    let resources: Vec<String> = thing
        .list("/status/resources")
        .iter()
        .filter(|resource| {
            !["Healthy", "", "Progressing"].contains(&text(resource, "/health/status"))
                || text(resource, "/message").contains("not found")
                || text(resource, "/message").contains("failed")
        })
        .take(4)
        .map(|resource| {
            format!(
                "{} {}/{} ({})",
                text(resource, "/kind"),
                text(resource, "/namespace"),
                text(resource, "/name"),
                [text(resource, "/status"), text(resource, "/health/status"), text(resource, "/message")].join(" ").trim()
            )
        })
        .collect();
    let mut finding = unwell(
        look,
        thing,
        Category::PlatformObject,
        format!(
            "Argo CD application {} is {sync} and {health}, its last sync {}{colon}",
            thing.name,
            if failed { "failed" } else { "did not repair it" }
        ),
        format!("application {}: sync {sync}, health {health}, operation {phase}{colon}", thing.name),
    )
    .fix(format!("argocd app diff {}", thing.name))
    .fix(format!("argocd app sync {}   # after the manifests are corrected", thing.name))
    .prevent("render and dry-run the manifests in CI before they are merged");
    if let Some(hint) = similar_namespace(look, thing, message) {
        finding.statement.push_str(&hint);
    }
    if !resources.is_empty() {
        finding =
            finding.saw(look.field(thing, format!("resources of {} that are not well: {}", thing.name, short(&resources.join(", "), 240))));
    }
    out.findings.push(if failed { finding.decisive() } else { finding });
}

/// `namespaces "shops" not found`, where the application's other resources live in `shop`: likely a typing mistake.
fn similar_namespace(look: &Look<'_>, thing: &Thing<'_>, message: &str) -> Option<String> {
    let wanted = message.split_once("namespaces \"")?.1.split('"').next()?;
    let used = thing.list("/status/resources").iter().map(|resource| text(resource, "/namespace"));
    let known = look.cluster.all("Namespace").map(|namespace| namespace.name);
    let near = used.chain(known).find(|name| {
        *name != wanted
            && !name.is_empty()
            && (wanted.starts_with(*name) || name.starts_with(wanted))
            && name.len().abs_diff(wanted.len()) <= 2
    })?;
    Some(format!("; the namespace {near} exists: probably a typing mistake"))
}

fn policy_report(look: &Look<'_>, thing: &Thing<'_>, out: &mut Checked) {
    for result in list(&thing.body, "/results").iter().filter(|result| text(result, "/result") == "fail").take(3) {
        let statement = format!("policy failure: {} (message: {})", text(result, "/policy"), short(text(result, "/message"), 160));
        out.findings.push(look.housekeeping(thing, Category::PlatformObject, statement));
    }
}
