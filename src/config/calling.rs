//! `escalation`: who is called when nobody takes an incident, and by which ways. The chains and schedules lie in files of their
//! own, beside the settings.

use std::path::Path;

use super::{reader::Reader, sections::is_http};
use crate::{
    model::is_slack_people,
    notify::{Allowed, Chains, EmailConfig, Known, OnCallConfig, Schedules, Service, Tls, WebhookConfig},
    web::Proxy,
};

/// Everything about it.
#[derive(Debug, Default)]
pub struct Calling {
    pub chains: Chains,
    pub schedules: Schedules,
    pub email: Option<EmailConfig>,
    pub webhooks: Vec<WebhookConfig>,
    pub allowed: Allowed,
    /// Paging services with the schedules that are asked: our name and the service's id.
    pub services: Vec<(OnCallConfig, Vec<(String, String)>)>,
    pub administrators: Vec<String>,
    pub admin_channel: String,
    pub proxy: Option<Proxy>,
}

/// The section, and the files that it names.
pub fn read(reader: &mut Reader<'_>, proxy: Option<&Proxy>, pagerduty: bool) -> Calling {
    let email = email(reader);
    let webhooks: Vec<WebhookConfig> = reader.names("escalation.webhooks").into_iter().filter_map(|name| webhook(reader, name)).collect();
    let allowed = Allowed {
        hosts: reader.list("escalation.allow_hosts").into_iter().collect(),
        allow_private: reader.switch("escalation.allow_private", false),
    };
    let services =
        [("pagerduty", Service::PagerDuty, "https://api.pagerduty.com"), ("opsgenie", Service::Opsgenie, "https://api.opsgenie.com")]
            .into_iter()
            .filter_map(|(name, service, usual)| on_call(reader, name, service, usual))
            .collect::<Vec<_>>();
    let schedules = file(reader, "escalation.schedules_file", Schedules::from_yaml).unwrap_or_default();
    let known = Known {
        schedules: schedules
            .0
            .keys()
            .cloned()
            .chain(services.iter().flat_map(|(_, names)| names.iter().map(|(name, _)| name.clone())))
            .collect(),
        webhooks: webhooks.iter().map(|hook| hook.name.clone()).collect(),
        pagerduty,
        email: email.is_some(),
    };
    let chains = file(reader, "escalation.chains_file", |text| Chains::from_yaml(text, &known)).unwrap_or_default();
    let administrators = reader.list("escalation.administrators");
    let fine = administrators.iter().all(|id| is_slack_people(id));
    reader.check("escalation.administrators", fine, "user ids (U…) and user group ids (S…)");
    let admin_channel = reader.text("escalation.admin_channel", "");
    reader.check("escalation.admin_channel", admin_channel.is_empty() || admin_channel.starts_with(['C', 'G']), "a channel id, or empty");
    Calling { chains, schedules, email, webhooks, allowed, services, administrators, admin_channel, proxy: proxy.cloned() }
}

/// The file of a setting, read by its room.
fn file<T, E: std::fmt::Display>(reader: &mut Reader<'_>, key: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
    let path = reader.text(key, "");
    if path.is_empty() {
        return None;
    }
    let read = std::fs::read_to_string(Path::new(&path)).map_err(|error| error.to_string());
    match read.and_then(|text| parse(&text).map_err(|error| error.to_string())) {
        Ok(found) => Some(found),
        Err(error) => {
            reader.check(key, false, &format!("a file that can be used; {path}: {error}"));
            None
        }
    }
}

fn email(reader: &mut Reader<'_>) -> Option<EmailConfig> {
    let host = reader.text("escalation.email.host", "");
    let tls = match reader.text("escalation.email.tls", "starttls").as_str() {
        "starttls" => Tls::StartTls,
        "implicit" => Tls::Implicit,
        "none" => Tls::None,
        _ => {
            reader.check("escalation.email.tls", false, "starttls, implicit, or none (only to this machine)");
            Tls::StartTls
        }
    };
    let port = reader.number("escalation.email.port", 587, 1, 65_535);
    let user = reader.text("escalation.email.user", "");
    let password = reader.secret("escalation.email.password");
    let from = reader.text("escalation.email.from", "");
    if host.is_empty() {
        return None;
    }
    reader.check("escalation.email.from", from.contains('@'), "the address that writes, like On call <sre-agent@example.com>");
    let user = (!user.is_empty()).then_some(user);
    Some(EmailConfig { host, port: u16::try_from(port).unwrap_or(587), tls, user, password, from, ca: None })
}

fn webhook(reader: &mut Reader<'_>, name: String) -> Option<WebhookConfig> {
    let url = reader.text(&format!("escalation.webhooks.{name}.url"), "");
    let key = format!("escalation.webhooks.{name}.secret");
    let secret = reader.secret(&key);
    reader.check(&format!("escalation.webhooks.{name}.url"), is_http(&url), "an http(s) address");
    reader.check(&key, secret.is_some(), "what the bodies are signed with; at least 32 letters");
    Some(WebhookConfig { name, url, secret: secret? })
}

fn on_call(reader: &mut Reader<'_>, name: &str, service: Service, usual: &str) -> Option<(OnCallConfig, Vec<(String, String)>)> {
    let section = format!("escalation.on_call.{name}");
    let url = reader.text(&format!("{section}.url"), usual);
    reader.check(&format!("{section}.url"), is_http(&url), "an http(s) address");
    let token = reader.secret(&format!("{section}.token"));
    let key = format!("{section}.schedules");
    let names = reader.names(&key);
    let schedules = names.into_iter().map(|name| (name.clone(), reader.text(&format!("{key}.{name}"), ""))).collect();
    Some((OnCallConfig { service, url: url.trim_end_matches('/').to_owned(), token: token? }, schedules))
}
