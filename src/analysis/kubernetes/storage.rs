//! Claims, volumes and their classes.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    Checked, Look, Thing,
    pods::in_namespace,
    value::{quantity, short, text},
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// Below this a claim is likely a mistake. Source: k8sgpt's storage analyzer.
const TINY_BYTES: f64 = 1024.0 * 1024.0 * 1024.0;

pub fn check(look: &Look<'_>, out: &mut Checked) {
    for claim in look.cluster.all("PersistentVolumeClaim") {
        one_claim(look, claim, out);
    }
    for volume in look.cluster.all("PersistentVolume") {
        one_volume(look, volume, out);
    }
    classes(look, out);
}

fn one_claim(look: &Look<'_>, claim: &Thing<'_>, out: &mut Checked) {
    let path = claim.path();
    match claim.text("/status/phase") {
        "Lost" => out.findings.push(
            Finding::new(
                Category::Volume,
                Role::Cause,
                claim.entity(),
                format!("PersistentVolumeClaim {path} is in Lost state: its volume {} no longer exists", claim.text("/spec/volumeName")),
            )
            .decisive()
            .saw(look.field(claim, format!("PersistentVolumeClaim (PVC) {path}: phase Lost")).decisive())
            .falsifier("the claim's phase is Bound")
            .fix(format!(
                "kubectl describe pvc {}{}   # then restore the volume from a backup or snapshot",
                claim.name,
                in_namespace(&claim.namespace)
            ))
            .prevent("reclaim policy Retain for volumes with data, and volume snapshots"),
        ),
        "Pending" => pending(look, claim, out),
        _ => {}
    }
    let size = claim.text("/spec/resources/requests/storage");
    if quantity(size).is_some_and(|bytes| bytes < TINY_BYTES) && !claim.partial {
        out.findings.push(note(look, claim, format!("PersistentVolumeClaim {path} asks for {size} only (below 1Gi)")));
    }
}

fn pending(look: &Look<'_>, claim: &Thing<'_>, out: &mut Checked) {
    let path = claim.path();
    let events = look.cluster.events_of(claim);
    let failed = events.iter().rev().find(|event| {
        ["ProvisioningFailed", "FailedBinding", "VolumeMismatch", "ExternalProvisioning"].contains(&event.reason.as_str())
            && !event.message.is_empty()
    });
    let waits = events.iter().any(|event| event.reason == "WaitForFirstConsumer") && failed.is_none();
    let used = !claim.list("/status/usedBy").is_empty()
        || look.cluster.all("Pod").any(|pod| {
            pod.namespace == claim.namespace
                && pod.list("/spec/volumes").iter().any(|volume| text(volume, "/persistentVolumeClaim/claimName") == claim.name)
        });
    // A claim that waits for its first pod is as it should be.
    if waits && !used {
        return;
    }
    let class = claim.text("/spec/storageClassName");
    let message = failed.map(|event| event.message.as_str()).unwrap_or_default();
    let known = look.cluster.all("StorageClass").any(|found| found.name == class);
    let absent = class_not_found(message)
        .or_else(|| (!class.is_empty() && !known && look.cluster.all("StorageClass").next().is_some()).then(|| class.to_owned()));
    let why = match (&absent, message) {
        (Some(class), _) => format!(": its storage class {class} (StorageClass) does not exist"),
        (None, "") if class.is_empty() && !claim.partial => {
            ": it names no storage class and nothing in the evidence says why it is not bound".to_owned()
        }
        (None, "") => String::new(),
        (None, message) => format!(": {}", short(message, 180)),
    };
    let young = look.cluster.age_of_thing(claim).is_some_and(|age| age < look.thresholds.startup_grace_seconds);
    if young && failed.is_none() {
        return;
    }
    let decisive = absent.is_some() || failed.is_some();
    let mut finding =
        Finding::new(Category::Volume, Role::Cause, claim.entity(), format!("PersistentVolumeClaim {path} (PVC) is in Pending state{why}"))
            .strength(0.6)
            .saw(look.field(
                claim,
                format!(
                    "PersistentVolumeClaim (PVC) {path}: phase Pending, storage class {}",
                    if class.is_empty() { "none" } else { class }
                ),
            ))
            .falsifier("the claim's phase is Bound")
            .fix(format!("kubectl describe pvc {}{}", claim.name, in_namespace(&claim.namespace)))
            .fix("kubectl get storageclass   # a claim's class cannot be changed: delete and create it with one that exists")
            .prevent("check storageClassName against the cluster's classes before applying");
    if let Some(event) = failed {
        finding = finding.saw(look.event(claim, event).decisive());
    }
    out.findings.push(if decisive { finding.decisive() } else { finding });
}

/// The claims of a stateful set are called `template-set-ordinal`: one that is not bound is what the set waits for.
pub fn claims_of(look: &Look<'_>, set: &Thing<'_>, out: &mut Checked) {
    let is_its = |claim: &&Thing<'_>| {
        let stem = claim.name.rsplit_once('-').filter(|(_, ordinal)| ordinal.parse::<u32>().is_ok()).map(|(stem, _)| stem);
        claim.namespace == set.namespace && stem.and_then(|stem| stem.strip_suffix(set.name)).is_some_and(|rest| rest.ends_with('-'))
    };
    for claim in look.cluster.all("PersistentVolumeClaim").filter(is_its).filter(|claim| claim.text("/status/phase") == "Pending") {
        let mut own = Checked::default();
        pending(look, claim, &mut own);
        if let Some(mut finding) = own.findings.pop() {
            finding.statement = format!("StatefulSet {} waits for a claim: {}", set.path(), finding.statement);
            finding.entity = set.entity();
            out.findings.push(finding);
            return;
        }
    }
}

fn class_not_found(message: &str) -> Option<String> {
    static ABSENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"storageclass[a-z0-9./]* "([^"]+)" not found"#).ok());
    Some(ABSENT.as_ref()?.captures(message)?.get(1)?.as_str().to_owned())
}

fn one_volume(look: &Look<'_>, volume: &Thing<'_>, out: &mut Checked) {
    let phase = volume.text("/status/phase");
    let message = volume.text("/status/message");
    match phase {
        "Failed" => out.findings.push(
            Finding::new(
                Category::Volume,
                Role::Cause,
                volume.entity(),
                format!("PersistentVolume {} is in Failed state{}", volume.name, after(message)),
            )
            .decisive()
            .saw(look.field(volume, format!("PersistentVolume {}: phase Failed{}", volume.name, after(message))).decisive())
            .falsifier("the volume's phase is Bound or Available")
            .fix(format!("kubectl describe pv {}", volume.name))
            .prevent("watch the provisioner's errors"),
        ),
        "Released" => out.findings.push(note(
            look,
            volume,
            format!("PersistentVolume {} is in Released state: its claim is gone and its data waits for somebody", volume.name),
        )),
        _ => {}
    }
    let size = volume.text("/spec/capacity/storage");
    if quantity(size).is_some_and(|bytes| bytes < TINY_BYTES) && !volume.partial {
        out.findings.push(note(look, volume, format!("PersistentVolume {} has {size} only (below 1Gi)", volume.name)));
    }
}

fn classes(look: &Look<'_>, out: &mut Checked) {
    let is_default = |class: &&Thing<'_>| {
        ["storageclass.kubernetes.io~1is-default-class", "storageclass.beta.kubernetes.io~1is-default-class"]
            .iter()
            .any(|name| class.text(&format!("/metadata/annotations/{name}")) == "true")
    };
    let defaults: Vec<&Thing<'_>> = look.cluster.all("StorageClass").filter(is_default).collect();
    if let [first, _, ..] = defaults.as_slice() {
        let names: Vec<&str> = defaults.iter().map(|class| class.name).collect();
        out.findings.push(note(look, first, format!("several StorageClasses are marked as default: {}", names.join(", "))));
    }
    for class in look
        .cluster
        .all("StorageClass")
        .filter(|class| class.text("/provisioner").starts_with("kubernetes.io/no-provisioner") && is_default(class))
    {
        out.findings.push(note(look, class, format!("StorageClass {} is the default and has no provisioner (kubernetes.io/no-provisioner): its claims wait for volumes made by hand", class.name)));
    }
}

/// Housekeeping: the cause of nothing, unless nothing else is found and it was asked for.
fn note(look: &Look<'_>, thing: &Thing<'_>, statement: String) -> Finding {
    look.housekeeping(thing, Category::Volume, statement)
}

fn after(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {}", short(message, 160)) }
}
