//! The connection to one API server: whole pages of objects, counted, within limits, and every refusal as a sentence.

use std::{path::PathBuf, time::Duration};

use axum::http::{Method, Request, StatusCode};
use futures_util::StreamExt as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::super::{ToolError, ToolErrorKind};

/// How much of one answer is read. A page of 500 pods has some 4 MiB; one object has at most 1.5 MiB (etcd's limit).
const PAGE_BYTES: usize = 16 << 20;
/// How long one request may take, less than a whole call.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(6);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How a cluster is reached.
#[derive(Debug, Clone)]
pub enum Access {
    /// With the service account of the pod that this process runs in.
    InCluster,
    /// By a kubeconfig; the usual one, and its current context, where nothing is said.
    Kubeconfig { path: Option<PathBuf>, context: Option<String> },
    /// An address and a token.
    Token { url: String, token: SecretString, ca: Option<Vec<u8>> },
}

/// One API server.
pub struct Client {
    /// The cluster's name in the settings.
    cluster: String,
    /// The section of the settings that names it, for advice.
    section: &'static str,
    access: Access,
    /// Connected when it is first needed, so that a cluster that is down does not keep the process from starting.
    client: OnceCell<kube::Client>,
}

/// What the server answered.
pub struct Page {
    pub body: Vec<u8>,
    pub truncated: bool,
}

impl Client {
    pub fn new(cluster: &str, access: Access) -> Self {
        Self { cluster: cluster.to_owned(), section: "sources", access, client: OnceCell::new() }
    }

    /// The same, named in another section of the settings.
    #[must_use]
    pub fn of_section(mut self, section: &'static str) -> Self {
        self.section = section;
        self
    }

    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Reads `path`.
    ///
    /// # Errors
    /// When there is no answer of success: with the missing verb where something is forbidden.
    pub async fn get(&self, tool: &str, path: &str, accept: &str) -> Result<Page, ToolError> {
        let read = async {
            let response = self.open(tool, path, accept).await?;
            let status = response.status();
            let mut chunks = response.into_body().into_data_stream();
            let (mut body, mut truncated) = (Vec::new(), false);
            while let Some(chunk) = chunks.next().await {
                let chunk =
                    chunk.map_err(|error| self.error(tool, format!("its answer broke off ({error})"), ToolErrorKind::Unavailable))?;
                if body.len() + chunk.len() > PAGE_BYTES {
                    truncated = true;
                    break;
                }
                body.extend_from_slice(&chunk);
            }
            if status.is_success() { Ok(Page { body, truncated }) } else { Err(self.refused(tool, path, status, &body)) }
        };
        let late = || self.error(tool, format!("no answer in {} s", REQUEST_TIMEOUT.as_secs()), ToolErrorKind::Timeout);
        tokio::time::timeout(REQUEST_TIMEOUT, read).await.unwrap_or_else(|_| Err(late()))
    }

    /// Changes what is at `path`, or tries to: `body` of the media type `kind`.
    ///
    /// # Errors
    /// When there is no answer of success; [`ToolErrorKind::Conflict`] where somebody else was faster.
    pub async fn write(&self, tool: &str, method: Method, path: &str, kind: &str, body: &Value) -> Result<Value, ToolError> {
        let write = async {
            let client = self.client.get_or_try_init(|| self.connect(tool)).await?;
            let verb = match method {
                Method::DELETE => "delete",
                Method::POST => "create",
                _ => "patch",
            };
            let request = Request::builder().method(method).uri(path).header("accept", "application/json").header("content-type", kind);
            let request = request.body(kube::client::Body::from(body.to_string().into_bytes()));
            let request =
                request.map_err(|error| self.error(tool, format!("{path} is no address ({error})"), ToolErrorKind::BadArguments))?;
            let response = client.send(request).await.map_err(|error| self.unreachable(tool, &error))?;
            let status = response.status();
            let body = axum::body::to_bytes(axum::body::Body::new(response.into_body()), PAGE_BYTES).await;
            let body = body.map_err(|error| self.error(tool, format!("its answer broke off ({error})"), ToolErrorKind::Unavailable))?;
            if !status.is_success() {
                return Err(self.refused_to(tool, verb, path, status, &body));
            }
            serde_json::from_slice(&body)
                .map_err(|error| self.error(tool, format!("its answer is no JSON ({error})"), ToolErrorKind::BadAnswer))
        };
        let late = || self.error(tool, format!("no answer in {} s", REQUEST_TIMEOUT.as_secs()), ToolErrorKind::Timeout);
        tokio::time::timeout(REQUEST_TIMEOUT, write).await.unwrap_or_else(|_| Err(late()))
    }

    /// Begins to read `path` and leaves the body to the caller: a watch has no end.
    ///
    /// # Errors
    /// When the server cannot be reached; its refusal is in the response.
    pub async fn open(&self, tool: &str, path: &str, accept: &str) -> Result<axum::http::Response<axum::body::Body>, ToolError> {
        let client = self.client.get_or_try_init(|| self.connect(tool)).await?;
        let request = Request::get(path).header("accept", accept).body(kube::client::Body::empty());
        let request = request.map_err(|error| self.error(tool, format!("{path} is no address ({error})"), ToolErrorKind::BadArguments))?;
        let response = client.send(request).await.map_err(|error| self.unreachable(tool, &error))?;
        Ok(response.map(axum::body::Body::new))
    }

    async fn connect(&self, tool: &str) -> Result<kube::Client, ToolError> {
        let place = self.place();
        let wrong = |error: String| self.error(tool, format!("{place}: {error}"), ToolErrorKind::NotAsked);
        let mut config = match &self.access {
            Access::InCluster => kube::Config::incluster().map_err(|error| wrong(format!("this process runs in no cluster ({error})")))?,
            Access::Kubeconfig { path, context } => {
                let file = match path {
                    Some(path) => Kubeconfig::read_from(path),
                    None => Kubeconfig::read(),
                };
                let file = file.map_err(|error| wrong(error.to_string()))?;
                let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
                kube::Config::from_custom_kubeconfig(file, &options).await.map_err(|error| wrong(error.to_string()))?
            }
            Access::Token { url, token, ca } => {
                let mut config = kube::Config::new(url.parse().map_err(|error| wrong(format!("{url}: {error}")))?);
                config.auth_info.token = Some(token.expose_secret().to_owned().into());
                config.root_cert = ca.as_ref().map(|pem| certificates(pem)).filter(|found| !found.is_empty());
                config
            }
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // A watch is silent for long; single requests have a limit of their own.
        config.read_timeout = None;
        // Retries are the guard's: it knows how much time there is.
        config.default_retry = false;
        kube::Client::try_from(config).map_err(|error| wrong(error.to_string()))
    }

    fn place(&self) -> String {
        format!("{}.kubernetes.{}", self.section, self.cluster)
    }

    fn error(&self, tool: &str, message: String, kind: ToolErrorKind) -> ToolError {
        ToolError::new(tool, format!("cluster {}: {message}", self.cluster), kind)
    }

    fn unreachable(&self, tool: &str, error: &kube::Error) -> ToolError {
        let mut said = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            said = next.to_string();
            cause = next.source();
        }
        let lower = said.to_ascii_lowercase();
        let place = self.place();
        let (message, kind) = if matches!(error, kube::Error::Auth(_)) {
            (format!("the credentials cannot be had ({said}): log in again, or check `{place}`"), ToolErrorKind::Unauthenticated)
        } else if lower.contains("certificate") || lower.contains("unknownissuer") {
            (
                format!("the API server's certificate is not trusted ({said}): check `{place}.ca_file` or the kubeconfig"),
                ToolErrorKind::Unavailable,
            )
        } else if lower.contains("elapsed") || lower.contains("timed out") {
            ("the API server does not answer in time".to_owned(), ToolErrorKind::Timeout)
        } else {
            (format!("the API server is not reachable ({said}): check `{place}` and the network"), ToolErrorKind::Unavailable)
        };
        self.error(tool, message, kind)
    }

    fn refused(&self, tool: &str, path: &str, status: StatusCode, body: &[u8]) -> ToolError {
        let verb = if resource(path).ends_with("/log") { "get" } else { "list" };
        self.refused_to(tool, verb, path, status, body)
    }

    fn refused_to(&self, tool: &str, verb: &str, path: &str, status: StatusCode, body: &[u8]) -> ToolError {
        let said =
            serde_json::from_slice::<Value>(body).ok().and_then(|value| value.get("message").and_then(Value::as_str).map(str::to_owned));
        let said = said.unwrap_or_else(|| String::from_utf8_lossy(body.get(..body.len().min(160)).unwrap_or_default()).into_owned());
        let what = resource(path);
        let (message, kind) = match status.as_u16() {
            401 => (
                format!("the API server does not know our credentials: the token may have expired, check `{}`", self.place()),
                ToolErrorKind::Unauthenticated,
            ),
            403 => (
                format!(
                    "not allowed to {verb} {what}: the role lacks the verb \"{verb}\" on \"{what}\" (deploy/kubernetes/rbac.yaml has what is needed)"
                ),
                ToolErrorKind::PermissionDenied,
            ),
            404 => (format!("{what}: {said}"), ToolErrorKind::NotFound),
            409 => (format!("{what}: {said}"), ToolErrorKind::Conflict),
            410 => (format!("{what}: the list changed while it was read ({said})"), ToolErrorKind::NotFound),
            429 => ("the API server wants fewer calls (429)".to_owned(), ToolErrorKind::RateLimited(None)),
            code @ 400..=499 => (format!("{what}: {said} ({code})"), ToolErrorKind::BadArguments),
            code => (format!("the API server failed itself ({code}): {said}"), ToolErrorKind::Unavailable),
        };
        self.error(tool, message, kind)
    }
}

/// `pods`, or `pods/log`, as RBAC names it.
fn resource(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let rest = match parts.first() {
        Some(&"api") => parts.get(2..),
        _ => parts.get(3..),
    }
    .unwrap_or_default();
    let rest = if rest.first() == Some(&"namespaces") && rest.len() > 2 { rest.get(2..).unwrap_or_default() } else { rest };
    match rest {
        [plural, _, sub] => format!("{plural}/{sub}"),
        [plural, ..] => (*plural).to_owned(),
        [] => path.to_owned(),
    }
}

fn certificates(pem: &[u8]) -> Vec<Vec<u8>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).map(|certificate| certificate.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::resource;

    #[test]
    fn a_resource_is_named_as_rbac_does() {
        for (path, name) in [
            ("/api/v1/namespaces/shop/pods?limit=5", "pods"),
            ("/api/v1/pods", "pods"),
            ("/api/v1/namespaces/shop/pods/a/log?x=y", "pods/log"),
            ("/apis/apps/v1/namespaces/shop/deployments", "deployments"),
            ("/apis/apps/v1/deployments", "deployments"),
            ("/api/v1/namespaces", "namespaces"),
        ] {
            assert_eq!(resource(path), name, "{path}");
        }
    }
}
