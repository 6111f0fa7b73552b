//! Secrets out of text: used before every sink (store, Slack, model, logs).
//!
//! One pass looks for some 150 keywords; a text without any is neither copied nor looked at again. Each keyword found is judged where it stands,
//! by code and not by expressions that backtrack. What was taken is replaced by `[redacted <rule>]`, with a key by `[redacted <rule> 3f9a2c1d]`.
//! The pass is repeated until it changes nothing, so redacting twice is redacting once.
//!
//! | rule | what it takes | source of the shape |
//! |---|---|---|
//! | private key | PEM blocks with a private label, cut off, escaped, or in base64 | RFC 7468; RFC 4716; kubeconfig `client-key-data` |
//! | password in a URL | `scheme://user:password@`, also escaped; Oracle's thin driver; `curl -u` | RFC 3986 §3.2.1; MongoDB connection strings |
//! | JWT | three parts of base64url, the first begins with `eyJ` | RFC 7519 |
//! | Slack token, webhook URL | `xox?-`, `xoxe.`, `xapp-`; hooks of Slack, Discord, Teams, PagerDuty | docs.slack.dev, token types; vendors' pages on incoming webhooks |
//! | cloud key | AWS `AKIA`, `ASIA` and the secret beside it; Google `AIza`, `ya29.`, `GOCSPX-`, `1//0`; Entra `…Q~…`; DigitalOcean, Databricks, Heroku, Terraform Cloud | AWS IAM identifiers; Google API keys; vendors' references |
//! | code host token | GitHub `gh?_`, `github_pat_`; GitLab `gl…-`; Bitbucket and Atlassian `ATBB`, `ATATT3`, `ATCTT3` | GitHub's and GitLab's token overviews; Atlassian API tokens |
//! | package registry token | `npm_`, `pypi-AgE…`, `dckr_pat_`, `rubygems_` | npm, PyPI, Docker, RubyGems |
//! | payment key | Stripe `sk_`, `rk_`, `whsec_` | docs.stripe.com/keys |
//! | messaging key | SendGrid `SG.`, Twilio `SK`, Mailgun `key-`, Telegram `<bot>:AA…` | core.telegram.org/bots/api; vendors' references |
//! | model key | `sk-…` of OpenAI and Anthropic, `gsk_`, `xai-`, `hf_` | vendors' API references |
//! | monitoring key | Grafana `glsa_`, `glc_`; PagerDuty `pd?u+`; New Relic `NRAK-`; Datadog and Sentry; unprefixed ones by name (`DD_API_KEY`) | grafana.com/docs, service accounts; developer.pagerduty.com |
//! | Vault token | `hvs.`, `hvb.`, `hvr.` | developer.hashicorp.com/vault, tokens |
//! | API key | our own `sre_<id>_<secret>` | this project |
//! | Kubernetes secret | values of `data` and `stringData` where `kind: Secret`, in YAML and JSON | kubernetes.io, Secret v1 |
//! | cookie, authorization | `Cookie`, `Set-Cookie`, `Authorization` of any scheme, `Bearer …`, `Basic …` | RFC 6265; RFC 9110 §11; RFC 6750; RFC 7617 |
//! | signature | `sig=` of shared access signatures, `Signature=` of signed requests | Azure Storage SAS; AWS Signature Version 4 |
//! | secret | a value whose name says so: `password`, `secret`, `token`, `api_key`, `AccountKey`… as assignment, JSON, YAML, XML, flag | — |
//! | payment card | 13 to 19 digits, issuer, check digit, and no name that says id, time or size | ISO/IEC 7812-1 |
//! | e-mail address | only where [`Options::emails`] asks for it | RFC 5321 §4.5.3 |
//!
//! What the budget does not allow to examine is not shown: `[redacted: too long to examine]`.

mod assign;
mod card;
mod counts;
mod document;
mod harmless;
mod headers;
mod kube;
mod look;
mod mark;
mod pem;
mod redactor;
mod rules;
mod scan;
mod shapes;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, sync::OnceLock};

use serde_json::Value;

pub use counts::{Counts, taken};
pub use mark::digest;
use redactor::Redactor;

/// How this installation redacts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// With a key every marker carries a pseudonym, so that the same secret is recognised in two places.
    pub key: Option<[u8; 32]>,
    /// Takes e-mail addresses too.
    pub emails: bool,
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_some() { "set" } else { "none" };
        out.debug_struct("Options").field("key", &key).field("emails", &self.emails).finish()
    }
}

/// Not installed means no pseudonyms and e-mails kept: the output is the same everywhere.
static OPTIONS: OnceLock<Options> = OnceLock::new();
static NO_OPTIONS: Options = Options { key: None, emails: false };

/// Sets the options of this process, once. Whether they were taken: the second call changes nothing.
pub fn install(options: Options) -> bool {
    OPTIONS.set(options).is_ok()
}

fn options() -> &'static Options {
    OPTIONS.get().unwrap_or(&NO_OPTIONS)
}

/// How much work one redaction may be, in bytes that rules look at. Counted, not timed: the same text always has the same result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// For the whole text or document. A byte costs about a nanosecond, and a log of 1 MiB full of keywords about 2 MiB.
    pub work: usize,
    /// A line longer than this, in bytes, may cost its length times the rules that have a keyword in it.
    pub line: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { work: 16 << 20, line: 4096 }
    }
}

/// The text without secrets. Text without any is not copied.
pub fn text(input: &str) -> Cow<'_, str> {
    Redactor::new(options(), Budget::default()).text(input, "")
}

/// [`text`] within a budget of one's own.
pub fn text_within(input: &str, budget: Budget) -> Cow<'_, str> {
    Redactor::new(options(), budget).text(input, "")
}

/// [`text`], and how many secrets of which kind were taken.
pub fn counted(input: &str) -> (Cow<'_, str>, Counts) {
    let mut redactor = Redactor::new(options(), Budget::default());
    let out = redactor.text(input, "");
    (out, redactor.counts)
}

/// JSON text without secrets in its values. Text without any is not copied, and one without any sign of them is only looked at once.
pub fn json(input: &str) -> Cow<'_, str> {
    json_with(&mut Redactor::new(options(), Budget::default()), input)
}

fn json_with<'t>(redactor: &mut Redactor<'_>, input: &'t str) -> Cow<'t, str> {
    // Escapes can hide the letters of a keyword.
    if !redactor.suspects(input) && memchr::memmem::find(input.as_bytes(), b"\\u").is_none() {
        return Cow::Borrowed(input);
    }
    match document::read(input) {
        Ok((mut value, doubled)) => {
            if redactor.value(&mut value, "") | doubled {
                Cow::Owned(value.to_string())
            } else {
                Cow::Borrowed(input)
            }
        }
        Err(_) => redactor.text(input, ""),
    }
}

/// Takes the secrets out of every text in a value.
pub fn value(value: &mut Value) {
    Redactor::new(options(), Budget::default()).value(value, "");
}
