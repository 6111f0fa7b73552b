//! The kinds of the Kubernetes API that are looked at, and where each is served.

/// One kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
    /// The short name that `kubectl` takes.
    pub short: &'static str,
}

const fn kind(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
    short: &'static str,
) -> Kind {
    Kind { group, version, plural, kind, namespaced, short }
}

pub const PODS: Kind = kind("", "v1", "pods", "Pod", true, "po");
pub const NODES: Kind = kind("", "v1", "nodes", "Node", false, "no");
pub const EVENTS: Kind = kind("", "v1", "events", "Event", true, "ev");
pub const SERVICES: Kind = kind("", "v1", "services", "Service", true, "svc");
pub const CONFIG_MAPS: Kind = kind("", "v1", "configmaps", "ConfigMap", true, "cm");
pub const SECRETS: Kind = kind("", "v1", "secrets", "Secret", true, "");
pub const CLAIMS: Kind = kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, "pvc");
pub const VOLUMES: Kind = kind("", "v1", "persistentvolumes", "PersistentVolume", false, "pv");
pub const QUOTAS: Kind = kind("", "v1", "resourcequotas", "ResourceQuota", true, "quota");
pub const LIMIT_RANGES: Kind = kind("", "v1", "limitranges", "LimitRange", true, "limits");
pub const NAMESPACES: Kind = kind("", "v1", "namespaces", "Namespace", false, "ns");
pub const SERVICE_ACCOUNTS: Kind = kind("", "v1", "serviceaccounts", "ServiceAccount", true, "sa");
pub const DEPLOYMENTS: Kind = kind("apps", "v1", "deployments", "Deployment", true, "deploy");
pub const REPLICA_SETS: Kind = kind("apps", "v1", "replicasets", "ReplicaSet", true, "rs");
pub const STATEFUL_SETS: Kind = kind("apps", "v1", "statefulsets", "StatefulSet", true, "sts");
pub const DAEMON_SETS: Kind = kind("apps", "v1", "daemonsets", "DaemonSet", true, "ds");
pub const CONTROLLER_REVISIONS: Kind = kind("apps", "v1", "controllerrevisions", "ControllerRevision", true, "");
pub const JOBS: Kind = kind("batch", "v1", "jobs", "Job", true, "");
pub const CRON_JOBS: Kind = kind("batch", "v1", "cronjobs", "CronJob", true, "cj");
pub const AUTOSCALERS: Kind = kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, "hpa");
pub const BUDGETS: Kind = kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, "pdb");
pub const INGRESSES: Kind = kind("networking.k8s.io", "v1", "ingresses", "Ingress", true, "ing");
pub const INGRESS_CLASSES: Kind = kind("networking.k8s.io", "v1", "ingressclasses", "IngressClass", false, "");
pub const POLICIES: Kind = kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true, "netpol");
pub const SLICES: Kind = kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true, "");
pub const STORAGE_CLASSES: Kind = kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", false, "sc");
pub const ATTACHMENTS: Kind = kind("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", false, "");
pub const VALIDATING: Kind =
    kind("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false, "");
pub const MUTATING: Kind =
    kind("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false, "");
pub const GATEWAYS: Kind = kind("gateway.networking.k8s.io", "v1", "gateways", "Gateway", true, "gtw");
pub const HTTP_ROUTES: Kind = kind("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", true, "");
pub const POD_METRICS: Kind = kind("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", true, "");
pub const NODE_METRICS: Kind = kind("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false, "");
pub const APPLICATIONS: Kind = kind("argoproj.io", "v1alpha1", "applications", "Application", true, "app");
pub const KUSTOMIZATIONS: Kind = kind("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization", true, "ks");
pub const HELM_RELEASES: Kind = kind("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease", true, "hr");

/// All of them; a Secret's values never leave the reader.
pub const ALL: &[Kind] = &[
    PODS,
    NODES,
    EVENTS,
    SERVICES,
    CONFIG_MAPS,
    CLAIMS,
    VOLUMES,
    QUOTAS,
    LIMIT_RANGES,
    NAMESPACES,
    SERVICE_ACCOUNTS,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    DAEMON_SETS,
    CONTROLLER_REVISIONS,
    JOBS,
    CRON_JOBS,
    AUTOSCALERS,
    BUDGETS,
    INGRESSES,
    INGRESS_CLASSES,
    POLICIES,
    SLICES,
    STORAGE_CLASSES,
    ATTACHMENTS,
    VALIDATING,
    MUTATING,
    GATEWAYS,
    HTTP_ROUTES,
    POD_METRICS,
    NODE_METRICS,
    APPLICATIONS,
    KUSTOMIZATIONS,
    HELM_RELEASES,
];

/// The kind that a person means by `name`: its kind, plural, singular or short name.
pub fn find(name: &str) -> Option<&'static Kind> {
    let name = name.to_ascii_lowercase();
    ALL.iter().find(|kind| kind.kind.to_ascii_lowercase() == name || kind.plural == name || !kind.short.is_empty() && kind.short == name)
}

impl Kind {
    /// The path that lists it, in one namespace or in all.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { format!("/api/{}", self.version) } else { format!("/apis/{}/{}", self.group, self.version) };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }

    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}
