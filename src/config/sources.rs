//! `sources`: the live systems that are asked for evidence.

use std::{collections::BTreeMap, path::Path};

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{reader::Reader, sections::is_http};
use crate::{
    tools::{
        self, Limits, Source, Sources,
        http::{Auth, Place},
        kubernetes::Access,
        mcp::{Approved, Reach, Server},
        probes::{Allowed, Target},
    },
    web::Proxy,
};

/// What a program that is started as an MCP server may see of our environment.
const PASSED_ON: &[&str] = &["PATH", "HOME", "LANG", "TZ", "TMPDIR"];
/// Everything that one system may have as a setting; a kind reads those that it knows.
const ADDRESSES: &[(&str, &str)] = &[
    ("datadog", "https://api.datadoghq.com"),
    ("github", "https://api.github.com"),
    ("gitlab", "https://gitlab.com"),
    ("atlas", "https://cloud.mongodb.com"),
];

/// The whole section.
pub fn read(reader: &mut Reader<'_>, proxy: Option<&Proxy>) -> Sources {
    let mut list = Vec::new();
    for name in reader.names("sources.kubernetes") {
        check_name(reader, "kubernetes", &name);
        list.extend(cluster(reader, &name));
    }
    for name in reader.names("sources.mongodb") {
        check_name(reader, "mongodb", &name);
        let key = format!("sources.mongodb.{name}.uri");
        let uri = reader.text(&key, "");
        reader.check(
            &key,
            uri.starts_with("mongodb://") || uri.starts_with("mongodb+srv://"),
            "a connection string: mongodb://… or mongodb+srv://…",
        );
        list.push(Source::MongoDb { name, uri: uri.into() });
    }
    for kind in tools::HTTP_KINDS {
        for name in reader.names(&format!("sources.{kind}")) {
            check_name(reader, kind, &name);
            list.push(http(reader, kind, name, proxy));
        }
    }
    for name in reader.names("sources.mcp") {
        check_name(reader, "mcp", &name);
        list.extend(mcp(reader, name));
    }
    let usual = Limits::default();
    let limits = Limits {
        timeout: reader.duration("sources.limits.timeout", "8s"),
        concurrent: reader.number("sources.limits.concurrent", usual.concurrent, 1, 64),
        per_second: u32::try_from(reader.number("sources.limits.per_second", usual.per_second as usize, 1, 1000))
            .unwrap_or(usual.per_second),
        retries: u32::try_from(reader.number("sources.limits.retries", usual.retries as usize, 0, 5)).unwrap_or(usual.retries),
        keep: reader.duration("sources.limits.keep", "15s"),
    };
    reader.check("sources.limits.timeout", (1..=8).contains(&limits.timeout.as_secs()), "1s to 8s");
    let switched = reader.switch("sources.probes.enabled", true);
    let allowed = reader.list("sources.probes.allow");
    let parsed: Vec<_> = allowed.iter().filter_map(|address| address.parse().ok()).collect();
    reader.check("sources.probes.allow", parsed.len() == allowed.len(), "IP addresses");
    Sources { list, limits, targets: Vec::new(), allowed: Allowed(parsed), probes: switched }
}

/// What the service catalogue wants probed. An address that cannot be tried is an error.
pub fn targets(services: &[(String, Vec<String>)]) -> Result<Vec<Target>, String> {
    let mut targets = Vec::new();
    for (service, urls) in services {
        for url in urls {
            let parsed = tools::probes::parse(url).ok_or_else(|| {
                format!(
                    "services: `{service}`: the probe {url} is none of https://…, http://…, tcp://host:port, tls://host:port, dns://name"
                )
            })?;
            targets.push(Target { service: service.clone(), url: parsed });
        }
    }
    Ok(targets)
}

fn cluster(reader: &mut Reader<'_>, name: &str) -> Option<Source> {
    let access = cluster_access(reader, "sources", name);
    let watch = reader.switch(&format!("sources.kubernetes.{name}.watch"), true);
    Some(Source::Kubernetes { name: name.to_owned(), access: access?, watch })
}

/// How a cluster is reached.
pub fn cluster_access(reader: &mut Reader<'_>, section: &str, name: &str) -> Option<Access> {
    let section = format!("{section}.kubernetes.{name}");
    let key = |part: &str| format!("{section}.{part}");
    let inside = reader.switch(&key("in_cluster"), false);
    let (kubeconfig, context) = (reader.text(&key("kubeconfig"), ""), reader.text(&key("context"), ""));
    let (url, token) = (reader.text(&key("url"), ""), reader.secret(&key("token")));
    let ca = file(reader, &key("ca_file"));
    reader.check(&key("url"), url.is_empty() || is_http(&url), "an http(s) address, or empty");
    reader.check(&key("kubeconfig"), kubeconfig.is_empty() || Path::new(&kubeconfig).is_file(), "the path of a file that is there");
    let access = if inside {
        Access::InCluster
    } else if url.is_empty() {
        Access::Kubeconfig {
            path: Some(kubeconfig).filter(|path| !path.is_empty()).map(Into::into),
            context: Some(context).filter(|context| !context.is_empty()),
        }
    } else {
        reader.check(&key("token"), token.is_some(), "a token beside the `url`");
        Access::Token { url, token: token?, ca }
    };
    Some(access)
}

/// An address with a token, or a user and a password.
pub fn place(reader: &mut Reader<'_>, section: &str, proxy: Option<&Proxy>) -> Place {
    let key = |part: &str| format!("{section}.{part}");
    let url = address(reader, &key("url"), "");
    let auth = account(reader, section);
    let ca = file(reader, &key("ca_file"));
    Place { key: section.to_owned(), url, auth, headers: Vec::new(), ca, proxy: proxy.cloned() }
}

fn address(reader: &mut Reader<'_>, key: &str, usual: &str) -> String {
    let url = reader.text(key, usual);
    let fine = is_http(&url) && url::Url::parse(&url).is_ok_and(|url| url.username().is_empty() && url.password().is_none());
    reader.check(key, fine, "an http(s) address without user and password in it (they have settings of their own)");
    url
}

fn http(reader: &mut Reader<'_>, kind: &'static str, name: String, proxy: Option<&Proxy>) -> Source {
    let section = format!("sources.{kind}.{name}");
    let key = |part: &str| format!("{section}.{part}");
    let usual = ADDRESSES.iter().find(|(known, _)| *known == kind).map_or("", |(_, url)| *url);
    let url = address(reader, &key("url"), usual);
    let mut headers = Vec::new();
    let secret = |reader: &mut Reader<'_>, part: &str| {
        let found = reader.secret(&key(part));
        reader.check(&key(part), found.is_some(), "a key of that system");
        found.unwrap_or_else(|| SecretString::from(String::new()))
    };
    let auth = match kind {
        "signoz" => Auth::Headers(vec![("SIGNOZ-API-KEY", secret(reader, "api_key"))]),
        "datadog" => {
            Auth::Headers(vec![("DD-API-KEY", secret(reader, "api_key")), ("DD-APPLICATION-KEY", secret(reader, "application_key"))])
        }
        "atlas" => Auth::Basic { user: reader.text(&key("client_id"), ""), password: secret(reader, "client_secret") },
        "gitlab" => Auth::Headers(vec![("PRIVATE-TOKEN", secret(reader, "token"))]),
        "elasticsearch" | "opensearch" => match reader.secret(&key("api_key")) {
            Some(api_key) => {
                use secrecy::ExposeSecret as _;
                Auth::Headers(vec![("Authorization", format!("ApiKey {}", api_key.expose_secret()).into())])
            }
            None => account(reader, &section),
        },
        _ => account(reader, &section),
    };
    for (part, header) in [("tenant", "X-Scope-OrgID"), ("account", "AccountID"), ("project", "ProjectID")] {
        let wanted = match kind {
            "victorialogs" => part != "tenant",
            "prometheus" | "loki" | "tempo" => part == "tenant",
            _ => false,
        };
        if wanted {
            let value = reader.text(&key(part), "");
            headers.extend(Some((header, value)).filter(|(_, value)| !value.is_empty()));
        }
    }
    if kind == "github" {
        headers.push(("X-GitHub-Api-Version", "2022-11-28".to_owned()));
        headers.push(("User-Agent", "sre-agent".to_owned()));
    }
    let index = match kind {
        "elasticsearch" | "opensearch" => reader.text(&key("index"), ""),
        "atlas" => reader.text(&key("project"), ""),
        _ => String::new(),
    };
    let fine = index.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"*-_,.:".contains(&b));
    reader.check(&key("index"), fine || kind == "atlas", "names of indices, such as logs-*,app-*");
    let is_project = index.len() == 24 && index.bytes().all(|b| b.is_ascii_hexdigit());
    reader.check(&key("project"), kind != "atlas" || is_project, "the id of a project: 24 hexadecimal digits");
    let list = match kind {
        "github" => "repositories",
        "gitlab" => "projects",
        _ => "",
    };
    let repositories = if list.is_empty() { Vec::new() } else { reader.list(&key(list)) };
    let is_path =
        |path: &String| !path.is_empty() && !path.contains("..") && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b));
    reader.check(
        &key(list),
        list.is_empty() || !repositories.is_empty() && repositories.iter().all(is_path),
        "a list such as [acme/checkout]",
    );
    let ca = file(reader, &key("ca_file"));
    let place = Box::new(Place { key: section, url, auth, headers, ca, proxy: proxy.cloned() });
    Source::Http { kind, name, place, index, repositories }
}

fn account(reader: &mut Reader<'_>, section: &str) -> Auth {
    let token = reader.secret(&format!("{section}.token"));
    let (user, password) = (reader.text(&format!("{section}.user"), ""), reader.secret(&format!("{section}.password")));
    match (token, password) {
        (Some(token), _) => Auth::Bearer(token),
        (None, Some(password)) => Auth::Basic { user, password },
        (None, None) => {
            reader.check(&format!("{section}.password"), user.is_empty(), "the password of the `user`");
            Auth::None
        }
    }
}

fn mcp(reader: &mut Reader<'_>, name: String) -> Option<Source> {
    let section = format!("sources.mcp.{name}");
    let (url, token) = (reader.text(&format!("{section}.url"), ""), reader.secret(&format!("{section}.token")));
    let words = reader.list(&format!("{section}.command"));
    reader.check(&section, url.is_empty() != words.is_empty(), "either a `url` or a `command`");
    reader.check(&format!("{section}.url"), url.is_empty() || is_http(&url), "an http(s) address");
    let reach = if url.is_empty() {
        let passed = PASSED_ON.iter().filter_map(|name| Some(((*name).to_owned(), reader.variable(name)?)));
        Reach::Command { words, environment: passed.collect() }
    } else {
        Reach::Url { url, token }
    };
    let mut approved = BTreeMap::new();
    for tool in reader.names(&format!("{section}.tools")) {
        let key = |part: &str| format!("{section}.tools.{tool}.{part}");
        let pin = reader.text(&key("pin"), "");
        let is_pin = pin.strip_prefix("sha256:").is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
        reader.check(&key("pin"), is_pin, "the pin that `sre-agent doctor` shows: sha256:…");
        let may_write = reader.switch(&key("may_write"), false);
        let arguments = match reader.raw(&key("arguments")) {
            Some(Value::Object(fields)) => fields,
            Some(Value::Null) | None => Map::new(),
            Some(_) => {
                reader.check(&key("arguments"), false, "the tool's arguments, a name and a value each");
                Map::new()
            }
        };
        let topic = reader.text(&key("topic"), "");
        reader.check(
            &key("topic"),
            topic.is_empty() || TOPICS.contains(&topic.as_str()),
            &format!("to be empty or one of {}", TOPICS.join(", ")),
        );
        approved.insert(tool, Approved { pin, topic, arguments, may_write });
    }
    Some(Source::Mcp(Server { name, reach, tools: approved }))
}

/// What agents ask for.
const TOPICS: &[&str] =
    &["kubernetes_objects", "kubernetes_events", "kubernetes_network", "logs", "metrics", "traces", "changes", "database", "probes"];

fn file(reader: &mut Reader<'_>, key: &str) -> Option<Vec<u8>> {
    let path = reader.text(key, "");
    if path.is_empty() {
        return None;
    }
    let read = std::fs::read(&path);
    reader.check(
        key,
        read.as_ref().is_ok_and(|pem| String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----")),
        "the path of a file with certificates (PEM)",
    );
    read.ok()
}

/// A name becomes part of the names of tools.
fn check_name(reader: &mut Reader<'_>, kind: &str, name: &str) {
    let fine =
        (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    reader.check(&format!("sources.{kind}.{name}"), fine, "a name of small letters, digits, `-` and `_`");
}
