//! Who is on call by PagerDuty or Opsgenie: asked at most once a minute, and remembered while they do not answer.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::form_urlencoded;

use super::{NotifyError, Person, http};
use crate::{
    model::Clock,
    web::{self, Proxy},
};

/// How long an answer is taken as the present one. Turns change by the hour; the services allow hundreds of calls a minute.
const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// How long a service that failed is left alone.
const RETRY: SignedDuration = SignedDuration::from_secs(15);
/// How many schedules are remembered.
const SCHEDULES_MAX: usize = 100;
/// How many people of one answer are read: a schedule has one or two.
const PEOPLE_MAX: usize = 50;
/// The longest name and address that are kept, in letters.
const TEXT_MAX: usize = 254;

/// Whose schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `https://api.pagerduty.com`, in Europe `https://api.eu.pagerduty.com`; a REST API key that may read.
    PagerDuty,
    /// `https://api.opsgenie.com`, in Europe `https://api.eu.opsgenie.com`; the key of an API integration.
    Opsgenie,
}

/// A service and the key to it.
#[derive(Debug, Clone)]
pub struct OnCallConfig {
    pub service: Service,
    /// Without a slash at the end.
    pub url: String,
    pub token: SecretString,
}

/// Who is on call, and since when we know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standby {
    /// Names and e-mail addresses, as far as the service says them; never a Slack id. Empty when nobody is on call.
    pub people: Vec<Person>,
    pub known_at: Timestamp,
    /// Why it is not newer, when the service was asked in vain: then people hear how old it is.
    pub stale: Option<String>,
}

/// Asks one service.
pub struct OnCall {
    http: reqwest::Client,
    config: OnCallConfig,
    clock: Clock,
    known: Mutex<BTreeMap<String, Known>>,
}

#[derive(Default, Clone)]
struct Known {
    answer: Option<(Timestamp, Vec<Person>)>,
    failure: Option<(Timestamp, NotifyError)>,
}

impl OnCall {
    /// # Errors
    /// When the HTTP client cannot be made, or the key has letters that no header takes.
    pub fn new(config: OnCallConfig, proxy: Option<&Proxy>, clock: Clock) -> Result<Self, String> {
        authorization(&config)?;
        Ok(Self { http: web::client(http::CALL_TIMEOUT, proxy)?, config, clock, known: Mutex::default() })
    }

    /// Who is on call in the schedule with this id.
    ///
    /// # Errors
    /// When the service does not say it and never did.
    pub async fn who(&self, schedule: &str) -> Result<Standby, NotifyError> {
        let now = self.clock.now();
        let known = self.lock().get(schedule).cloned().unwrap_or_default();
        let within = |at: Timestamp, length: SignedDuration| now.duration_since(at).abs() < length;
        if let Some((at, people)) = known.answer.as_ref().filter(|(at, _)| within(*at, FRESH)) {
            return Ok(Standby { people: people.clone(), known_at: *at, stale: None });
        }
        let asked = match known.failure.filter(|(at, _)| within(*at, RETRY)) {
            Some((_, error)) => Err(error),
            None => self.ask(schedule).await.inspect_err(|error| self.failed(schedule, now, error)),
        };
        match (asked, known.answer) {
            (Ok(people), _) => {
                self.keep(schedule, Known { answer: Some((now, people.clone())), failure: None });
                Ok(Standby { people, known_at: now, stale: None })
            }
            (Err(error), Some((known_at, people))) => Ok(Standby { people, known_at, stale: Some(error.to_string()) }),
            (Err(error), None) => Err(error),
        }
    }

    async fn ask(&self, schedule: &str) -> Result<Vec<Person>, NotifyError> {
        let id: String = form_urlencoded::byte_serialize(schedule.as_bytes()).collect();
        // A form writes a space as `+`, which in a path would stand for itself.
        let id = id.replace('+', "%20");
        let path = match self.config.service {
            Service::PagerDuty => format!("/oncalls?schedule_ids%5B%5D={id}&include%5B%5D=users&limit=100"),
            Service::Opsgenie => format!("/v2/schedules/{id}/on-calls?scheduleIdentifierType=id&flat=true"),
        };
        let authorization = authorization(&self.config).map_err(NotifyError::Never)?;
        let mut request = self.http.request(Method::GET, format!("{}{path}", self.config.url)).header(AUTHORIZATION, authorization);
        if self.config.service == Service::PagerDuty {
            request = request.header(ACCEPT, "application/vnd.pagerduty+json;version=2");
        }
        let body = http::send(request).await?.success()?;
        let people = match self.config.service {
            Service::PagerDuty => pagerduty(&body),
            Service::Opsgenie => opsgenie(&body),
        };
        people.ok_or_else(|| NotifyError::Later("the answer does not say who is on call".to_owned()))
    }

    fn failed(&self, schedule: &str, now: Timestamp, error: &NotifyError) {
        let answer = self.lock().get(schedule).and_then(|known| known.answer.clone());
        self.keep(schedule, Known { answer, failure: Some((now, error.clone())) });
    }

    fn keep(&self, schedule: &str, what: Known) {
        let mut known = self.lock();
        if known.len() >= SCHEDULES_MAX && !known.contains_key(schedule) {
            let oldest = known.iter().min_by_key(|(_, known)| known.answer.as_ref().map(|(at, _)| *at)).map(|(name, _)| name.clone());
            if let Some(name) = oldest {
                known.remove(&name);
            }
        }
        known.insert(schedule.to_owned(), what);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Source: developer.pagerduty.com (REST API v2, authentication) and docs.opsgenie.com (API authentication).
fn authorization(config: &OnCallConfig) -> Result<HeaderValue, String> {
    let word = match config.service {
        Service::PagerDuty => "Token token=",
        Service::Opsgenie => "GenieKey ",
    };
    let value = HeaderValue::from_str(&format!("{word}{}", config.token.expose_secret()));
    let mut value = value.map_err(|_| "the key for the on-call schedules has letters that no key has, such as a line end".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// `oncalls[].user`, once each: a schedule that several escalation policies use is there several times. `None` where it is no such answer.
fn pagerduty(body: &Value) -> Option<Vec<Person>> {
    let mut people: Vec<Person> = Vec::new();
    for entry in body.get("oncalls")?.as_array()?.iter().take(2 * PEOPLE_MAX) {
        let text = |key: &str| entry.pointer(&format!("/user/{key}")).and_then(Value::as_str).map(cut).filter(|text| !text.is_empty());
        // Without `include`, and for people who left, there is only a reference with a summary.
        let Some(name) = text("name").or_else(|| text("summary")) else { continue };
        let person = Person { name, email: text("email").unwrap_or_default(), ..Person::default() };
        if !people.contains(&person) && people.len() < PEOPLE_MAX {
            people.push(person);
        }
    }
    Some(people)
}

/// `data.onCallRecipients`: user names, which are e-mail addresses.
fn opsgenie(body: &Value) -> Option<Vec<Person>> {
    let names = body.pointer("/data/onCallRecipients")?.as_array()?;
    let names = names.iter().filter_map(Value::as_str).map(cut).filter(|name| !name.is_empty()).take(PEOPLE_MAX);
    Some(
        names
            .map(|name| Person { email: if name.contains('@') { name.clone() } else { String::new() }, name, ..Person::default() })
            .collect(),
    )
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect()
}
