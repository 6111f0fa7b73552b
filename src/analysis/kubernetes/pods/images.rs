//! Images that cannot be pulled, by the registry's own words.

use super::{
    super::{
        Checked, Look,
        value::{short, text},
    },
    containers::Container,
    in_namespace, target,
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// Class of the failure, in words for a person, with what to do and what to change.
struct Class {
    /// Any of these in the kubelet's or the registry's message, lower case.
    signs: &'static [&'static str],
    why: &'static str,
    fix: &'static str,
    prevent: &'static str,
}

/// Source: messages of containerd, cri-o and the common registries, as Robusta's imagepull_utils and the kubelet's tests list them.
const CLASSES: &[Class] = &[
    Class {
        signs: &["toomanyrequests", "rate limit", "429 too many"],
        why: "the registry's pull rate limit is reached (too many requests)",
        fix: "wait, or pull with an account: create an imagePullSecret and name it in the service account",
        prevent: "mirror base images in a registry of one's own",
    },
    Class {
        signs: &["no match for platform", "no matching manifest for", "does not provide the specified platform"],
        why: "the image does not exist for the node's processor architecture",
        fix: "build and push the image for the node's architecture (docker buildx build --platform …)",
        prevent: "publish multi-architecture images, or pin the pod with a nodeSelector on kubernetes.io/arch",
    },
    Class {
        signs: &[
            "no such host",
            "server misbehaving",
            "i/o timeout",
            "connection refused",
            "deadline exceeded",
            "tls handshake timeout",
            "connection reset",
            "network is unreachable",
            "no route to host",
        ],
        why: "the registry cannot be reached from the node (name resolution or network)",
        fix: "check the registry's host name in the image reference, and DNS and egress of the node",
        prevent: "use a registry mirror close to the cluster and watch its availability",
    },
    Class {
        signs: &["x509", "certificate"],
        why: "the registry's TLS certificate is not trusted by the node",
        fix: "renew the registry's certificate, or install its CA on the nodes",
        prevent: "watch the certificate's expiry",
    },
    Class {
        signs: &[
            "unauthorized",
            "authentication required",
            "authorization failed",
            "denied: ",
            "403 forbidden",
            "401",
            "no basic auth credentials",
            "insufficient_scope",
            "pull access denied",
            "access forbidden",
        ],
        why: "the registry refuses access (authentication or permission), or the repository does not exist",
        fix: "check the imagePullSecret: kubectl get secret -o jsonpath='{.data.\\.dockerconfigjson}' and that the service account names it",
        prevent: "rotate registry credentials before they expire and test a pull after each rotation",
    },
    Class {
        signs: &["manifest unknown", "not found", "name unknown", "repository does not exist", "manifest for", "notfound"],
        why: "the image or its tag does not exist in the registry (manifest not found)",
        fix: "correct the image's name or tag, or push the image that is missing",
        prevent: "let the deploy wait until the registry has the tag, and deploy by digest",
    },
    Class {
        signs: &["no space left"],
        why: "the node's disk is full",
        fix: "free space on the node: crictl rmi --prune",
        prevent: "lower imageGCHighThresholdPercent and watch the node's filesystem",
    },
];

pub fn check(look: &Look<'_>, container: &Container<'_>, waiting: &str, out: &mut Checked) {
    let own = text(container.status, "/state/waiting/message");
    let image = container.image();
    // The registry's words are in the Failed event; the waiting message often says no more than "back-off".
    let events = look.cluster.events_of(container.pod);
    let failed = events
        .iter()
        .rev()
        .find(|event| event.reason == "Failed" && event.message.contains("pull") && (image.is_empty() || event.message.contains(image)));
    let words = [own, failed.map(|event| event.message.as_str()).unwrap_or_default()].join(" ");
    // The image's own name must not be taken for the registry's complaint.
    let searched = words.to_lowercase().replace(&image.to_lowercase(), " ");
    let class = CLASSES.iter().find(|class| class.signs.iter().any(|sign| searched.contains(sign)));
    let why = match (waiting, class) {
        ("ErrImageNeverPull", _) => "its pull policy is Never and the image is not on the node",
        ("InvalidImageName", _) => "the image's name is not valid",
        (_, Some(class)) => class.why,
        (_, None) => "the evidence does not show the registry's answer",
    };
    let shown = if image.is_empty() { "its image".to_owned() } else { format!("image {image}") };
    let detail = failed.map(|event| event.message.clone()).unwrap_or_else(|| own.to_owned());
    let mut finding = Finding::new(
        Category::ImagePull,
        Role::Cause,
        container.pod.entity(),
        format!("{} cannot pull {shown} ({waiting}): {why}", container.begins()),
    )
    .decisive()
    .saw(
        look.field(container.pod, format!("{} is waiting with {waiting} for {shown}: {}", container.said(), short(own, 140)))
            .quoting(own)
            .decisive(),
    )
    .falsifier(format!("`crictl pull {image}` succeeds on the pod's node"))
    .fix(format!("kubectl describe pod {}{}", container.pod.name, in_namespace(&container.pod.namespace)));
    if let Some(event) = failed {
        finding = finding.saw(look.event(container.pod, event));
    }
    if !detail.is_empty() {
        // The decisive words stand at the end of a chain of wrapped errors.
        let end: String = detail.chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect();
        finding = finding.saw(look.field(container.pod, format!("the registry's answer ends: {}", short(&end, 220))).quoting(detail));
    }
    if let Some(class) = class {
        finding = finding.fix(class.fix).prevent(class.prevent);
    }
    if !image.is_empty() {
        finding = finding.fix(format!(
            "kubectl set image {} {}=<image that exists>",
            target(look, container.pod),
            if container.name.is_empty() { "<container>" } else { container.name }
        ));
    }
    out.findings.push(finding);
}
