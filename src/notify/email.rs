//! E-mail over SMTP: one message per notice, encrypted unless the server is on this machine.

mod letter;

use std::{
    collections::{BTreeSet, VecDeque},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use lettre::{
    Address,
    message::Mailbox,
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret, SecretString};

use super::{Notice, Notifier, NotifyError, Wrong};
use crate::model::Clock;

/// How long each of the three parts may take: to connect and log in, to name sender and recipients, to hand over the text.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// Recipients of one message. Every server takes 100 (RFC 5321, 4.5.3.1.8); who needs more wants a mailing list.
pub(super) const RECIPIENTS_MAX: usize = 50;
/// The longest address. Source: RFC 5321, 4.5.3.1.3.
const ADDRESS_MAX: usize = 254;
/// How many notices are remembered that only some of their recipients have.
const HALF_SENT_MAX: usize = 256;
/// How much of a server's refusal is shown.
const REASON_MAX: usize = 200;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tls {
    /// By STARTTLS, and not at all when the server does not offer it: usually port 587.
    #[default]
    StartTls,
    /// From the first byte: usually port 465.
    Implicit,
    /// Not; only to a server on this machine.
    None,
}

/// The mail server, and who writes.
#[derive(Debug, Clone)]
pub struct EmailConfig {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// Both or none.
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// `sre-agent@example.com`, also with a name: `On call <sre-agent@example.com>`.
    pub from: String,
    /// Certificates (PEM) that are trusted beside the usual ones.
    pub ca: Option<Vec<u8>>,
}

/// Writes to people by one mail server.
pub struct Email {
    host: String,
    port: u16,
    tls: Tls,
    parameters: Option<TlsParameters>,
    credentials: Option<Credentials>,
    from: Mailbox,
    clock: Clock,
    /// Who has a notice that others of its recipients do not have yet, by its key: they are not written to again.
    half_sent: Mutex<VecDeque<(String, BTreeSet<Address>)>>,
}

impl Email {
    /// # Errors
    /// Everything that is wrong with the settings.
    pub fn new(config: EmailConfig, clock: Clock) -> Result<Self, Wrong> {
        let mut wrong = Vec::new();
        let from = mailbox(&config.from);
        if from.is_none() {
            wrong.push("email: `from` wants an address such as sre-agent@example.com".to_owned());
        }
        if config.host.is_empty() || !config.host.bytes().all(|byte| byte.is_ascii_graphic()) {
            wrong.push("email: `host` wants the name of a mail server such as smtp.example.com".to_owned());
        }
        if config.tls == Tls::None && !is_here(&config.host) {
            wrong.push("email: `tls: none` is only for a server on this machine (localhost, 127.0.0.1, ::1)".to_owned());
        }
        if config.user.is_some() != config.password.is_some() {
            wrong.push("email: `user` and `password` want each other".to_owned());
        }
        let parameters = match parameters(&config) {
            Ok(parameters) => parameters,
            Err(said) => {
                wrong.push(said);
                None
            }
        };
        let Some(from) = from.filter(|_| wrong.is_empty()) else { return Err(Wrong(wrong)) };
        let credentials =
            config.user.zip(config.password).map(|(user, password)| Credentials::new(user, password.expose_secret().to_owned()));
        let EmailConfig { host, port, tls, .. } = config;
        Ok(Self { host, port, tls, parameters, credentials, from, clock, half_sent: Mutex::default() })
    }

    /// Connects, encrypts and logs in.
    async fn connect(&self) -> Result<AsyncSmtpConnection, NotifyError> {
        let me = ClientId::Domain(self.from.email.domain().to_owned());
        let implicit = self.parameters.clone().filter(|_| self.tls == Tls::Implicit);
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(STEP_TIMEOUT), &me, implicit, None).await.map_err(|error| sorted(&error))?;
        if let (Tls::StartTls, Some(parameters)) = (self.tls, &self.parameters) {
            if !connection.can_starttls() {
                connection.abort().await;
                return Err(NotifyError::Never("the mail server offers no STARTTLS, and nothing is sent in the clear".to_owned()));
            }
            connection.starttls(parameters.clone(), &me).await.map_err(|error| sorted(&error))?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await.map_err(|error| sorted(&error))?;
        }
        Ok(connection)
    }

    /// Names sender and recipients.
    async fn address(&self, connection: &mut AsyncSmtpConnection, to: &[Mailbox]) -> Result<Answers, NotifyError> {
        connection.command(Mail::new(Some(self.from.email.clone()), Vec::new())).await.map_err(|error| sorted(&error))?;
        let mut answers = Answers::default();
        for mailbox in to {
            match connection.command(Rcpt::new(mailbox.email.clone(), Vec::new())).await {
                Ok(_) => answers.taken.push(mailbox.email.clone()),
                // Without a status the connection itself is broken.
                Err(error) if error.status().is_none() => return Err(sorted(&error)),
                Err(error) => answers.refused.push((mailbox.email.clone(), sorted(&error))),
            }
        }
        Ok(answers)
    }

    fn has_already(&self, key: &str) -> BTreeSet<Address> {
        let half_sent = self.half_sent.lock().unwrap_or_else(PoisonError::into_inner);
        half_sent.iter().find(|(known, _)| known == key).map(|(_, who)| who.clone()).unwrap_or_default()
    }

    /// Remembers who has the notice, when somebody else may still get it.
    fn remember(&self, key: &str, who: BTreeSet<Address>) {
        let mut half_sent = self.half_sent.lock().unwrap_or_else(PoisonError::into_inner);
        half_sent.retain(|(known, _)| known != key);
        if !who.is_empty() {
            half_sent.push_back((key.to_owned(), who));
        }
        if half_sent.len() > HALF_SENT_MAX {
            half_sent.pop_front();
        }
    }
}

#[async_trait]
impl Notifier for Email {
    /// Whoever can be reached is written to. An address that is refused for good does not keep the message from the others; the
    /// error then says who has not got it.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let to = recipients(&notice.to)?;
        let letter = letter::write(notice, &self.from, &to, self.clock.now()).map_err(NotifyError::Never)?;
        let mut have = self.has_already(&notice.key);
        let to: Vec<Mailbox> = to.into_iter().filter(|mailbox| !have.contains(&mailbox.email)).collect();
        if to.is_empty() {
            return Ok(());
        }
        let mut connection = in_time(self.connect()).await?;
        let answers = match in_time(self.address(&mut connection, &to)).await {
            Ok(answers) => answers,
            Err(error) => return Err(hung_up(connection, error).await),
        };
        if answers.taken.is_empty() {
            return Err(hung_up(connection, answers.outcome(0)).await);
        }
        let handed_over = in_time(async {
            connection.command(Data).await.map_err(|error| sorted(&error))?;
            connection.message(&letter).await.map_err(|error| sorted(&error))
        })
        .await;
        if let Err(error) = handed_over {
            return Err(hung_up(connection, error).await);
        }
        // The server has the message: how it says goodbye no longer matters.
        let _ = tokio::time::timeout(Duration::from_secs(1), connection.abort()).await;
        have.extend(answers.taken.iter().cloned());
        let count = have.len();
        let again = answers.refused.iter().any(|(_, why)| matches!(why, NotifyError::Later(_)));
        self.remember(&notice.key, if again { have } else { BTreeSet::new() });
        if answers.refused.is_empty() { Ok(()) } else { Err(answers.outcome(count)) }
    }
}

/// What the server said about each recipient.
#[derive(Default)]
struct Answers {
    taken: Vec<Address>,
    refused: Vec<(Address, NotifyError)>,
}

impl Answers {
    /// The error for the whole notice: worth another try when it is for one of them.
    fn outcome(self, have: usize) -> NotifyError {
        let later = self.refused.iter().any(|(_, why)| matches!(why, NotifyError::Later(_)));
        let first = self.refused.first().map(|(_, why)| why.to_string()).unwrap_or_default();
        let who: Vec<String> = self.refused.iter().map(|(who, _)| who.to_string()).take(5).collect();
        let more = if self.refused.len() > who.len() { " and others" } else { "" };
        let rest = if have > 0 { format!("; {have} of the recipients have it") } else { String::new() };
        let said = format!("the mail server does not take {}{more}: {first}{rest}", who.join(", "));
        if later { NotifyError::Later(said) } else { NotifyError::Never(said) }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, NotifyError>>) -> Result<T, NotifyError> {
    let late = |_| NotifyError::Later(format!("the mail server gave no answer in {} s", STEP_TIMEOUT.as_secs()));
    tokio::time::timeout(STEP_TIMEOUT, work).await.map_err(late)?
}

/// Ends a connection that failed, politely but not for long.
async fn hung_up(mut connection: AsyncSmtpConnection, error: NotifyError) -> NotifyError {
    let _ = tokio::time::timeout(Duration::from_secs(1), connection.abort()).await;
    error
}

/// Whether it helps to try again, in the server's own words where there are some.
fn sorted(error: &lettre::transport::smtp::Error) -> NotifyError {
    let Some(status) = error.status() else {
        if error.is_client() {
            return NotifyError::Never("the mail server offers no way to log in that we know (PLAIN, LOGIN)".to_owned());
        }
        let said = if error.is_tls() { "no encrypted connection to the mail server" } else { "no connection to the mail server" };
        return NotifyError::Later(said.to_owned());
    };
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(REASON_MAX).collect();
    let said = format!("SMTP {status} {said}").trim_end().to_owned();
    if error.is_permanent() { NotifyError::Never(said) } else { NotifyError::Later(said) }
}

/// Whom a notice is for, each once.
fn recipients(to: &[String]) -> Result<Vec<Mailbox>, NotifyError> {
    if to.is_empty() || to.len() > RECIPIENTS_MAX {
        return Err(NotifyError::Never(format!("an e-mail has from 1 to {RECIPIENTS_MAX} recipients, not {}", to.len())));
    }
    let mut seen = BTreeSet::new();
    let mut read = Vec::new();
    for (place, text) in to.iter().enumerate() {
        let mailbox = mailbox(text).ok_or_else(|| NotifyError::Never(format!("recipient {} is no e-mail address", place + 1)))?;
        if seen.insert(mailbox.email.clone()) {
            read.push(mailbox);
        }
    }
    Ok(read)
}

/// An address, with or without a name; nothing that could begin a header of its own.
fn mailbox(text: &str) -> Option<Mailbox> {
    if text.len() > 2 * ADDRESS_MAX || text.contains(char::is_control) {
        return None;
    }
    text.parse::<Mailbox>().ok().filter(|mailbox| is_address(mailbox.email.as_ref()))
}

/// Whether it is a plain e-mail address in ASCII, as every server takes it.
pub(super) fn is_address(text: &str) -> bool {
    text.len() <= ADDRESS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()) && text.parse::<Address>().is_ok()
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn parameters(config: &EmailConfig) -> Result<Option<TlsParameters>, String> {
    if config.tls == Tls::None {
        return Ok(None);
    }
    let mut builder = TlsParameters::builder(config.host.clone()).certificate_store(CertificateStore::WebpkiRoots);
    if let Some(pem) = &config.ca {
        let wrong = "email: `ca` wants certificates in PEM (-----BEGIN CERTIFICATE-----)";
        if !pem.windows(5).any(|bytes| bytes == b"BEGIN") {
            return Err(wrong.to_owned());
        }
        builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(|_| wrong.to_owned())?);
    }
    builder.build_rustls().map(Some).map_err(|_| "email: no TLS client can be made for this `host`".to_owned())
}
