//! Settings: the only reader of files and environment. All errors are found and told together.

mod calling;
mod people;
mod reader;
mod sections;
mod sources;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use crate::{
    agents,
    analysis::Thresholds,
    auth::Access,
    coord::RedisCache,
    inbound, notify, pipeline,
    report::Services,
    runbooks,
    slack::{Connection, oauth::AppCredentials},
    tools::{Sources, probes::Target},
    web::Proxy,
};
pub use calling::Calling;
pub use people::{AUDIENCE, ISSUER, Provider, Tokens};
use reader::Reader;
pub use reader::parse_duration;

/// The settings that come with the program: every key with its default.
const DEFAULTS: &str = include_str!("../config/settings.yaml");
/// Where settings are looked for when none are named.
const USUAL_PLACE: &str = "config/settings.yaml";

/// Everything that this process needs to know.
#[derive(Debug)]
pub struct Settings {
    pub listen: SocketAddr,
    /// Where people and Slack reach us from outside, without a slash at the end.
    pub public_url: Option<String>,
    pub slack: Slack,
    pub api_token: Option<SecretString>,
    pub store_path: PathBuf,
    pub bundle: Option<PathBuf>,
    /// The live systems that are asked.
    pub sources: Sources,
    /// Where answers are kept for other processes, too.
    pub redis: Option<RedisCache>,
    pub log: String,
    pub inbound: inbound::Config,
    pub pipeline: pipeline::Settings,
    pub notify: notify::Config,
    pub rules: Rules,
    /// Who may do what.
    pub access: Access,
    pub tokens: Tokens,
    /// Who is called when nobody takes an incident.
    pub calling: Calling,
    /// Whether e-mail addresses are taken out of texts too.
    pub redact_emails: bool,
    /// What is set, without secrets: by it a change of the settings is seen.
    pub marks: BTreeMap<String, SecretString>,
    /// The systems that runbooks may change.
    pub actions: runbooks::Reach,
    pub terms: runbooks::Terms,
}

/// How Slack's events, clicks and commands come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Slack calls us.
    Events,
    /// We call Slack.
    Socket,
}

/// How to reach Slack.
#[derive(Debug)]
pub struct Slack {
    pub delivery: Delivery,
    pub connection: Connection,
    pub bot_token: SecretString,
    pub signing_secret: SecretString,
    pub app_token: Option<SecretString>,
    /// Further workspaces: team id to bot token.
    pub workspaces: BTreeMap<String, SecretString>,
    /// What installs the app into other workspaces.
    pub oauth: Option<AppCredentials>,
}

/// The rule files beside the settings, or the embedded ones.
#[derive(Debug)]
pub struct Rules {
    pub router: agents::router::Router,
    pub agents: agents::Catalog,
    pub thresholds: Thresholds,
    pub services: Services,
    /// What the services want probed.
    pub targets: Vec<Target>,
    pub runbooks: runbooks::Catalog,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in the configuration:", if self.0.len() == 1 { "one error".to_owned() } else { format!("{} errors", self.0.len()) })?;
        for error in &self.0 {
            write!(f, "\n  {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The environment as a map, read once.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// A settings file, as far as it could be read.
struct File {
    /// For messages.
    name: String,
    /// Where the rule files may lie.
    folder: Option<PathBuf>,
    text: Result<String, String>,
}

/// The file that is named, or the usual one where there is one, or the embedded settings.
fn read_file(file: Option<&Path>) -> File {
    let usual = Path::new(USUAL_PLACE);
    let Some(file) = file.or_else(|| usual.is_file().then_some(usual)) else {
        return File { name: "(embedded settings)".to_owned(), folder: None, text: Ok(DEFAULTS.to_owned()) };
    };
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: cannot be read: {error}", file.display()));
    File { name: file.display().to_string(), folder: file.parent().map(Path::to_owned), text }
}

/// Reads the settings for `serve`.
///
/// # Errors
/// Everything that is wrong, each with its file, its key and what is allowed there.
pub fn load(file: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Settings, ConfigErrors> {
    let mut errors = Vec::new();
    let File { name, folder, text } = read_file(file);
    let text = text.unwrap_or_else(|error| {
        errors.push(error);
        String::new()
    });
    let rules = rules(folder.as_deref(), &mut errors);
    let settings = if errors.is_empty() || !text.is_empty() { settings(&name, &text, environment, &mut errors) } else { None };
    match (settings, rules) {
        (Some(settings), Some(rules)) if errors.is_empty() => Ok(settings(rules)),
        _ => Err(ConfigErrors(errors)),
    }
}

/// What commands need that ask live systems and no Slack.
#[derive(Debug)]
pub struct Asking {
    pub sources: Sources,
    pub redis: Option<RedisCache>,
    pub bundle: Option<PathBuf>,
    pub rules: Rules,
}

/// Reads the sources and the rules alone; what else is wrong with the file does not matter here.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load_sources(file: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Asking, ConfigErrors> {
    let File { name, folder, text } = read_file(file);
    let text = text.map_err(|error| ConfigErrors(vec![error]))?;
    let (mut errors, mut wrong) = (Vec::new(), Vec::new());
    let rules = rules(folder.as_deref(), &mut wrong);
    let Some(mut reader) = Reader::new(&name, &text, environment, &mut errors) else { return Err(ConfigErrors(errors)) };
    let (address, direct) = (reader.text("slack.proxy", ""), reader.text("slack.no_proxy", ""));
    let proxy = Proxy::parse(&address, &direct).ok().filter(|_| !address.is_empty());
    let sources = sources::read(&mut reader, proxy.as_ref());
    let redis = redis(&mut reader);
    let bundle = reader.text("evidence.bundle", "");
    reader.finish();
    wrong.extend(errors.into_iter().filter(|error| error.contains("`sources") || error.contains("`redis")));
    match rules {
        Some(rules) if wrong.is_empty() => Ok(Asking {
            sources: Sources { targets: rules.targets.clone(), ..sources },
            redis,
            bundle: (!bundle.is_empty()).then(|| bundle.into()),
            rules,
        }),
        _ => Err(ConfigErrors(wrong)),
    }
}

/// The rule files of a folder; a file that is not there leaves the embedded one in force.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load_rules(folder: Option<&Path>) -> Result<Rules, ConfigErrors> {
    let mut errors = Vec::new();
    rules(folder, &mut errors).filter(|_| errors.is_empty()).ok_or(ConfigErrors(errors))
}

/// Where the store is, and the file of the audit log's anchors, where there is one. What else is wrong with the settings does
/// not matter here.
///
/// # Errors
/// When the file cannot be read at all.
pub fn load_store(file: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<(PathBuf, Option<PathBuf>), ConfigErrors> {
    let File { name, text, .. } = read_file(file);
    let text = text.map_err(|error| ConfigErrors(vec![error]))?;
    let mut errors = Vec::new();
    let Some(mut reader) = Reader::new(&name, &text, environment, &mut errors) else { return Err(ConfigErrors(errors)) };
    let path = reader.text("store.path", "data/sre-agent.db");
    let anchors = reader.text("audit.anchor_file", "");
    Ok((path.into(), (!anchors.is_empty()).then(|| anchors.into())))
}

/// Who may do what, and how callers prove who they are.
#[derive(Debug)]
pub struct Rights {
    pub access: Access,
    pub tokens: Tokens,
}

/// Reads `access` alone.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_access(file: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Rights, ConfigErrors> {
    let File { name, text, .. } = read_file(file);
    let text = text.map_err(|error| ConfigErrors(vec![error]))?;
    let mut errors = Vec::new();
    let Some(mut reader) = Reader::new(&name, &text, environment, &mut errors) else { return Err(ConfigErrors(errors)) };
    let (access, tokens) = people::access(&mut reader);
    drop(reader);
    match access {
        Some(access) if errors.is_empty() => Ok(Rights { access, tokens }),
        _ => Err(ConfigErrors(errors)),
    }
}

type Finish = Box<dyn FnOnce(Rules) -> Settings>;

fn settings(name: &str, text: &str, environment: &BTreeMap<String, String>, errors: &mut Vec<String>) -> Option<Finish> {
    let mut reader = Reader::new(name, text, environment, errors)?;
    let listen = reader.parsed("server.listen", "127.0.0.1:3000", "an address and a port, like 127.0.0.1:3000 or 0.0.0.0:3000");
    let public_url = reader.text("server.public_url", "");
    reader.check("server.public_url", public_url.is_empty() || sections::is_http(&public_url), "an http(s) address, or empty");
    let slack = slack(&mut reader, public_url.is_empty());
    let channel = reader.text("slack.channel", "");
    let channel_ok = channel.starts_with(['C', 'G', 'D']) && channel.chars().all(|c| c.is_ascii_alphanumeric());
    reader.check(
        "slack.channel",
        channel_ok,
        "a channel id like C0123456789 (in Slack: channel details, at the bottom; set SLACK_CHANNEL)",
    );
    let api_token = reader.text("api.token", "");
    if let Some(listen) = listen {
        let outside: bool = {
            let listen: SocketAddr = listen;
            !listen.ip().is_loopback()
        };
        reader.check(
            "api.token",
            !outside || !api_token.is_empty(),
            "a token, because `server.listen` is reachable from other machines (set SRE_AGENT_API_TOKEN)",
        );
    }
    let store_path = reader.text("store.path", "data/sre-agent.db");
    reader.check("store.path", !store_path.is_empty(), "the path of a file");
    let bundle = reader.text("evidence.bundle", "");
    reader.check("evidence.bundle", bundle.is_empty() || Path::new(&bundle).exists(), "a folder or a .tar.gz that is there, or empty");
    let marks = reader.marks();
    let (inbound, notify) = (sections::inbound(&mut reader), sections::notify(&mut reader));
    let pipeline = sections::pipeline(&mut reader, &channel);
    let proxy = slack.as_ref().and_then(|slack| slack.connection.proxy().cloned());
    let sources = sources::read(&mut reader, proxy.as_ref());
    let redis = redis(&mut reader);
    let (access, tokens) = people::access(&mut reader);
    let anchors = people::anchors(&mut reader);
    let redact_emails = reader.switch("redaction.emails", false);
    let calling = calling::read(&mut reader, proxy.as_ref(), notify.pagerduty_key.is_some());
    let (actions, terms) = (people::actions(&mut reader, proxy.as_ref()), people::terms(&mut reader));
    let log = reader.text("log", "info");
    let filter_ok = tracing_subscriber::EnvFilter::try_new(&log).is_ok();
    reader.check("log", filter_ok, "error, warn, info, debug, or directives like info,sre_agent=debug");
    reader.finish();
    let (listen, slack, access) = (listen?, slack?, access?);
    Some(Box::new(move |rules| Settings {
        listen,
        public_url: Some(public_url.trim_end_matches('/').to_owned()).filter(|url| !url.is_empty()),
        slack,
        api_token: (!api_token.is_empty()).then(|| api_token.into()),
        store_path: store_path.into(),
        bundle: (!bundle.is_empty()).then(|| bundle.into()),
        sources: Sources { targets: rules.targets.clone(), ..sources },
        redis,
        log,
        inbound,
        pipeline: pipeline::Settings { anchors, ..pipeline },
        notify,
        rules,
        access,
        tokens,
        calling,
        redact_emails,
        marks,
        actions,
        terms,
    }))
}

fn redis(reader: &mut Reader<'_>) -> Option<RedisCache> {
    let url = reader.secret("redis.url")?;
    let cache = RedisCache::new(url);
    reader.check("redis.url", cache.is_ok(), "the address of a Redis: redis://… or rediss://…");
    cache.ok()
}

fn slack(reader: &mut Reader<'_>, no_public_url: bool) -> Option<Slack> {
    let delivery = match reader.text("slack.delivery", "events").as_str() {
        "events" => Delivery::Events,
        "socket" => Delivery::Socket,
        _ => {
            reader.check("slack.delivery", false, "`events` or `socket`");
            Delivery::Events
        }
    };
    let api_url = reader.text("slack.api_url", "https://slack.com/api");
    reader.check("slack.api_url", sections::is_http(&api_url), "an http(s) address");
    let (address, direct) = (reader.text("slack.proxy", ""), reader.text("slack.no_proxy", ""));
    let proxy = if address.is_empty() { Ok(None) } else { Proxy::parse(&address, &direct).map(Some) };
    reader.check("slack.proxy", proxy.is_ok(), "the address of an HTTP proxy, like http://proxy.example:3128");
    let connection = Connection::new(&api_url, proxy.ok().flatten());
    let bot_token = reader.text("slack.bot_token", "");
    reader.check(
        "slack.bot_token",
        bot_token.starts_with("xoxb-"),
        "a bot token of your Slack app: it starts with xoxb- (set SLACK_BOT_TOKEN)",
    );
    let signing_secret = reader.text("slack.signing_secret", "");
    reader.check(
        "slack.signing_secret",
        signing_secret.len() >= 8 || delivery == Delivery::Socket && signing_secret.is_empty(),
        "the signing secret of your Slack app (set SLACK_SIGNING_SECRET)",
    );
    let app_token = reader.text("slack.app_token", "");
    reader.check(
        "slack.app_token",
        app_token.starts_with("xapp-") || delivery == Delivery::Events && app_token.is_empty(),
        "an app-level token with connections:write: it starts with xapp- (set SLACK_APP_TOKEN)",
    );
    let mut workspaces = BTreeMap::new();
    for team in reader.names("slack.workspaces") {
        let key = format!("slack.workspaces.{team}");
        let token = reader.text(&key, "");
        reader.check(&key, team.starts_with(['T', 'E']) && token.starts_with("xoxb-"), "a team id (T…) with a bot token (xoxb-…)");
        workspaces.insert(team, token.into());
    }
    let (client_id, client_secret) = (reader.text("slack.client_id", ""), reader.secret("slack.client_secret"));
    reader.check(
        "slack.client_id",
        client_id.is_empty() || client_secret.is_some() && !no_public_url,
        "`slack.client_secret` and `server.public_url` beside it, or to be empty",
    );
    let oauth = client_secret.filter(|_| !client_id.is_empty()).map(|client_secret| AppCredentials { client_id, client_secret });
    Some(Slack {
        delivery,
        connection: connection.ok()?,
        bot_token: bot_token.into(),
        signing_secret: signing_secret.into(),
        app_token: (!app_token.is_empty()).then(|| app_token.into()),
        workspaces,
        oauth,
    })
}

fn rules(folder: Option<&Path>, errors: &mut Vec<String>) -> Option<Rules> {
    let router = rule_file(folder, "routing.yaml", agents::router::Router::embedded, agents::router::Router::from_yaml, errors);
    let catalog = rule_file(folder, "agents.yaml", agents::Catalog::embedded, agents::Catalog::from_yaml, errors);
    let thresholds = rule_file(folder, "thresholds.yaml", Thresholds::embedded, Thresholds::from_yaml, errors);
    let services = rule_file(folder, "services.yaml", Services::embedded, Services::from_yaml, errors);
    let targets = services.as_ref().map(|services| sources::targets(&services.probes())).transpose();
    let targets = targets.map_err(|error| errors.push(error)).ok().flatten();
    let runbooks = people::runbooks(folder, errors)?;
    Some(Rules { runbooks, router: router?, agents: catalog?, thresholds: thresholds?, services: services?, targets: targets? })
}

fn rule_file<T, E: fmt::Display>(
    folder: Option<&Path>,
    name: &str,
    embedded: impl FnOnce() -> T,
    parse: impl FnOnce(&str) -> Result<T, E>,
    errors: &mut Vec<String>,
) -> Option<T> {
    let Some(file) = folder.map(|folder| folder.join(name)).filter(|file| file.is_file()) else { return Some(embedded()) };
    let parsed =
        std::fs::read_to_string(&file).map_err(|error| error.to_string()).and_then(|text| parse(&text).map_err(|error| error.to_string()));
    parsed.map_err(|error| errors.push(format!("{}: {error}", file.display()))).ok()
}
