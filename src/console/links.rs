//! Every address of the console in one place, and the judges of those that come from outside.

use super::views::{Act, Export, Place};

/// An address from outside that may become a link: http or https, with a host, without blanks and control characters.
pub fn safe_href(address: &str) -> Option<&str> {
    // A browser drops tabs and line ends inside an address, so what we judge must not have any.
    if address.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return None;
    }
    let scheme_length = ["https://", "http://"]
        .iter()
        .find_map(|scheme| address.get(..scheme.len()).filter(|head| head.eq_ignore_ascii_case(scheme)).map(str::len))?;
    let authority = address.get(scheme_length..)?.split(['/', '?', '#']).next()?;
    // `https://our.host@elsewhere` looks like one host and opens another.
    let shows_its_host = !authority.is_empty() && !authority.contains('@');
    shows_its_host.then_some(address)
}

/// A path of this server: `/…`, and not `//host` or `/\host`, which are other servers.
pub fn safe_path(path: &str) -> Option<&str> {
    let plain = path.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '\\');
    (plain && path.starts_with('/') && !path.starts_with("//")).then_some(path)
}

/// Where a picture may come from: this server, or the page itself.
pub fn safe_image(src: &str) -> Option<&str> {
    let embedded = ["data:image/png;base64,", "data:image/svg+xml;base64,"];
    let plain = || src.chars().all(|c| c.is_ascii_graphic());
    if embedded.iter().any(|head| src.starts_with(head)) { plain().then_some(src) } else { safe_path(src) }
}

/// The anchor of a piece of evidence; `None` for an id that cannot be one.
pub fn anchor(id: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    // Longer ones do not occur; a bound keeps a page of them small.
    (!id.is_empty() && id.len() <= 32 && id.chars().all(plain)).then_some(id)
}

pub fn place(place: Place) -> &'static str {
    match place {
        Place::Incidents => "/incidents",
        Place::Approvals => "/approvals",
        Place::Agents => "/agents",
        Place::Accuracy => "/accuracy",
        Place::Audit => "/audit",
    }
}

pub const SIGN_IN: &str = "/sign-in";
/// POST: a session for a token.
pub const SESSION: &str = "/session";
/// POST: the session's end.
pub const SESSION_END: &str = "/session/end";

/// GET: leads to Slack. A link and not a form, because `form-action 'self'` also forbids what a form is redirected to.
pub fn slack_sign_in(next: &str) -> String {
    format!("/session/slack{}", query(&[("next", safe_path(next).unwrap_or_default())]))
}

pub fn style(version: &str) -> String {
    format!("/assets/console.css{}", query(&[("v", version)]))
}

pub fn script(version: &str) -> String {
    format!("/assets/console.js{}", query(&[("v", version)]))
}

pub fn incident(id: &str) -> String {
    format!("/incidents/{}", encoded(id))
}

/// POST.
pub fn act(id: &str, act: Act) -> String {
    format!("/incidents/{}/{}", encoded(id), act.as_str())
}

/// POST: a verdict on the report.
pub fn feedback(id: &str) -> String {
    format!("/incidents/{}/feedback", encoded(id))
}

/// POST: a dry run of a runbook, which then waits for approval.
pub fn prepare(id: &str) -> String {
    format!("/incidents/{}/runs", encoded(id))
}

pub fn export(id: &str, form: Export) -> String {
    let file = match form {
        Export::Markdown => "report.md",
        Export::Json => "report.json",
        Export::Postmortem => "postmortem.md",
    };
    format!("/incidents/{}/{file}", encoded(id))
}

pub fn run(id: &str) -> String {
    format!("/runs/{}", encoded(id))
}

/// GET: the page that asks to confirm. POST: the approval.
pub fn approve(id: &str) -> String {
    format!("/approvals/{}/approve", encoded(id))
}

/// POST.
pub fn deny(id: &str) -> String {
    format!("/approvals/{}/deny", encoded(id))
}

/// `?name=value&…` of those that are not empty; nothing when all are.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(&encoded(value));
    }
    text
}

/// Percent-encoded, so that it is one segment of a path or one value of a query whatever is in it.
pub fn encoded(text: &str) -> String {
    // A segment of dots is a way up, encoded or not.
    if !text.is_empty() && text.chars().all(|c| c == '.') {
        return "_".to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe
}
