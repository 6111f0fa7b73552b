//! One pass over a text: which signs of secrets stand in it, and which bytes each of them condemns.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::{
    Budget, card,
    look::{at, line_end, line_start},
    rules::{PREFIXES, Rule},
};

/// What stands for the bytes of markers while a text is examined: no rule looks for it, and no rule takes it for the end of a secret.
pub(super) const MASK: u8 = 0x01;
/// How far one sign may look for the end of its secret, in bytes. The longest tokens known (JWT with many claims) are shorter.
pub(super) const REACH: usize = 4096;
/// Secrets of one text; more than this and the rest is not examined.
const SPANS_MAX: usize = 10_000;

/// Bytes to be replaced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: Rule,
}

/// What a keyword is a sign of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    Prefix(usize),
    /// A name that says that its value is a secret, whatever it looks like.
    Hard,
    /// A name that is also an ordinary word: `token`, `secret`, `credentials`.
    Soft,
    /// A name whose value is a secret when it looks like one.
    Shaped,
    /// `pass`, which is mostly something else.
    Pass,
    Statement,
    Url,
    EncodedUrl,
    Oracle,
    Pem,
    PemEnd,
    PemBase64,
    Jwt,
    Scheme,
    Header,
    Cookie,
    Signature,
    Hook,
    Telegram,
    AzureSecret,
    GoogleRefresh,
    Terraform,
    AwsSecret,
    Curl,
    OwnKey,
}

const WORDS: &[(Sign, &[&str])] = &[
    (
        Sign::Hard,
        &[
            "password",
            "passwd",
            "passphrase",
            "pwd",
            "api_key",
            "api-key",
            "apikey",
            "api key",
            "access_key",
            "access-key",
            "accesskey",
            "private_key",
            "private-key",
            "privatekey",
            "account_key",
            "accountkey",
            "client-key-data",
            "auth_key",
            "authkey",
        ],
    ),
    (Sign::Soft, &["secret", "token", "credential"]),
    (
        Sign::Shaped,
        &[
            "routing_key",
            "routingkey",
            "integration_key",
            "integrationkey",
            "service_key",
            "servicekey",
            "signing_key",
            "signing-key",
            "signingkey",
            "encryption_key",
            "encryption-key",
            "encryptionkey",
            "app_key",
            "app-key",
            "application_key",
            "application-key",
            "applicationkey",
            "master_key",
            "masterkey",
            "session_key",
            "sessionid",
            "session_id",
            "_auth",
        ],
    ),
    (Sign::Pass, &["pass"]),
    (Sign::Statement, &["identified by", "with password", "requirepass", "masterauth"]),
    (
        Sign::Url,
        &[
            "://",
            r":\/\/",
            r":\\/\\/",
            r":\\\\/\\\\/",
            r":\\\\\\\\/\\\\\\\\/",
            r":\\\\\\\\\\\\\\\\/\\\\\\\\\\\\\\\\/",
            r":\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\/\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\/",
        ],
    ),
    (Sign::EncodedUrl, &["%3a%2f%2f"]),
    (Sign::Oracle, &["oracle:thin:"]),
    (Sign::Pem, &["-----begin"]),
    (Sign::PemEnd, &["-----end"]),
    (Sign::PemBase64, &["ls0tls1crudjti"]),
    (Sign::Jwt, &["eyj"]),
    (Sign::Scheme, &["bearer", "basic"]),
    (Sign::Header, &["authorization"]),
    (Sign::Cookie, &["cookie"]),
    (Sign::Signature, &["sig=", "signature="]),
    (
        Sign::Hook,
        &["hooks.slack.com", "discord.com", "discordapp.com", "webhook.office.com", "events.pagerduty.com", "alert.victorops.com"],
    ),
    (Sign::Telegram, &[":aa", "%3aaa"]),
    (Sign::AzureSecret, &["q~"]),
    (Sign::GoogleRefresh, &["1//0"]),
    (Sign::Terraform, &[".atlasv1."]),
    (Sign::AwsSecret, &["secret access key"]),
    (Sign::Curl, &["curl"]),
    (Sign::OwnKey, &["sre_"]),
];

/// The words of one sign.
pub(super) fn words(sign: Sign) -> &'static [&'static str] {
    WORDS.iter().find(|(of, _)| *of == sign).map_or(&[], |(_, words)| words)
}

struct Signs {
    automaton: AhoCorasick,
    signs: Vec<Sign>,
}

static SIGNS: LazyLock<Option<Signs>> = LazyLock::new(|| {
    let named = WORDS.iter().flat_map(|(sign, words)| words.iter().map(|word| (*sign, *word)));
    let prefixed = PREFIXES.iter().enumerate().map(|(index, prefix)| (Sign::Prefix(index), prefix.start));
    let (signs, words): (Vec<Sign>, Vec<&str>) = named.chain(prefixed).unzip();
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(words).ok()?;
    Some(Signs { automaton, signs })
});

/// Whether any sign stands in the text; digits that could be a card count too.
pub(super) fn any_sign(text: &str, emails: bool) -> bool {
    // Without its automaton nothing can be judged: everything is suspicious.
    SIGNS.as_ref().is_none_or(|signs| signs.automaton.is_match(text))
        || card::any(text.as_bytes())
        || (emails && memchr::memchr(b'@', text.as_bytes()).is_some())
}

/// A text under examination, and what was found in it so far.
pub(super) struct Scan<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    /// The name of the field whose value the text is.
    pub(super) field: &'t str,
    pub(super) spans: Vec<Span>,
    /// Bytes looked at by rules.
    pub(super) work: usize,
    /// The last unquoted value: `(start, end)`. Every start within it has the same end.
    pub(super) run: (usize, usize),
    /// Private keys are taken up to here.
    pub(super) keys: usize,
    /// Kubernetes manifests are examined up to here.
    pub(super) manifests: usize,
}

/// How far the line under examination goes and what it has cost.
struct Line {
    start: usize,
    end: usize,
    /// [`Scan::work`] when the line began.
    paid: usize,
    /// The signs seen in it, a bit each.
    seen: u32,
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str, field: &'t str) -> Self {
        Self { text, bytes: text.as_bytes(), field, spans: Vec::new(), work: 0, run: (0, 0), keys: 0, manifests: 0 }
    }

    /// Finds everything that the budget allows to find; what it does not allow to examine is found to be too long.
    pub(super) fn all(&mut self, emails: bool, budget: Budget) {
        let Some(signs) = SIGNS.as_ref() else { return self.take(0, self.bytes.len(), Rule::TooLong) };
        let Ok(hits) = signs.automaton.try_find_overlapping_iter(self.text) else { return self.take(0, self.bytes.len(), Rule::TooLong) };
        let mut line = Line { start: 0, end: 0, paid: 0, seen: 0 };
        let mut skip = 0;
        for hit in hits {
            let Some(sign) = signs.signs.get(hit.pattern().as_usize()) else { continue };
            // A key is taken wherever it begins: it goes on behind the line.
            if hit.start() < skip && !matches!(sign, Sign::Pem | Sign::PemEnd) {
                continue;
            }
            if hit.start() >= line.end {
                line = Line {
                    start: line_start(self.bytes, hit.start()),
                    end: line_end(self.bytes, hit.start()).max(hit.end()),
                    paid: self.work,
                    seen: 0,
                };
            }
            line.seen |= 1 << bit(*sign);
            let long = line.end - line.start;
            if self.work > budget.work || self.spans.len() >= SPANS_MAX {
                let from = if self.looks_back(hit.start(), self.bytes.len()) { 0 } else { hit.start() };
                self.take(from, self.bytes.len(), Rule::TooLong);
                break;
            }
            if hit.start() >= skip && long > budget.line && self.work - line.paid > long * (line.seen.count_ones() as usize) {
                let from = if self.looks_back(hit.start(), line.end) { line.start } else { hit.start() };
                self.take(from, line.end, Rule::TooLong);
                skip = line.end;
                continue;
            }
            self.judge(*sign, hit.start(), hit.end());
        }
        card::cards(self);
        if emails {
            card::emails(self);
        }
    }

    /// Whether in what is not examined a sign may stand that condemns what is before it: the end of a key, the kind of a manifest.
    fn looks_back(&self, start: usize, end: usize) -> bool {
        let rest = self.bytes.get(start..end).unwrap_or_default();
        ["-----END", "Secret"].iter().any(|sign| memchr::memmem::find(rest, sign.as_bytes()).is_some())
    }

    fn judge(&mut self, sign: Sign, start: usize, end: usize) {
        self.work += end - start;
        match sign {
            Sign::Prefix(index) => self.prefix(index, start, end),
            Sign::Hard | Sign::Soft | Sign::Shaped | Sign::Pass => self.assigned(sign, start, end),
            Sign::Statement => self.statement(end),
            Sign::Url => self.url(start, end),
            Sign::EncodedUrl => self.encoded_url(end),
            Sign::Oracle => self.oracle(end),
            Sign::Pem => self.pem(start, end),
            Sign::PemEnd => self.pem_end(start, end),
            Sign::PemBase64 => self.pem_base64(start),
            Sign::Jwt => self.jwt(start, end),
            Sign::Scheme => self.scheme(start, end),
            Sign::Header => self.header(end),
            Sign::Cookie => self.cookies(end),
            Sign::Signature => self.signature(start, end),
            Sign::Hook => self.hook(end),
            Sign::Telegram => self.telegram(start, end),
            Sign::AzureSecret => self.azure_secret(start, end),
            Sign::GoogleRefresh => self.google_refresh(start, end),
            Sign::Terraform => self.terraform(start, end),
            Sign::AwsSecret => self.aws_secret(end, 80),
            Sign::Curl => self.curl(end),
            Sign::OwnKey => self.own_key(start, end),
        }
    }

    /// Condemns these bytes.
    pub(super) fn take(&mut self, start: usize, end: usize, rule: Rule) {
        if start < end {
            self.spans.push(Span { start, end, rule });
        }
    }

    /// Part of the text; empty where the borders are not those of characters.
    pub(super) fn part(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The condemned bytes in order, without overlaps and without those that are nothing but markers already.
    pub(super) fn finish(mut self) -> Vec<Span> {
        self.spans.sort_unstable_by_key(|span| (span.start, span.end, span.rule));
        let mut merged: Vec<Span> = Vec::with_capacity(self.spans.len().min(64));
        for mut span in self.spans {
            while span.start > 0 && !self.text.is_char_boundary(span.start) {
                span.start -= 1;
            }
            while span.end < self.bytes.len() && !self.text.is_char_boundary(span.end) {
                span.end += 1;
            }
            if (span.start..span.end).all(|index| at(self.bytes, index) == MASK) {
                continue;
            }
            match merged.last_mut() {
                Some(last) if span.start < last.end => {
                    last.end = last.end.max(span.end);
                    last.rule = last.rule.min(span.rule);
                }
                _ => merged.push(span),
            }
        }
        merged
    }
}

fn bit(sign: Sign) -> u32 {
    match sign {
        Sign::Prefix(index) => PREFIXES.get(index).map_or(0, |prefix| prefix.rule as u32),
        Sign::Hard | Sign::Soft | Sign::Shaped | Sign::Pass | Sign::Statement => Rule::Secret as u32,
        Sign::Url | Sign::EncodedUrl | Sign::Oracle | Sign::Curl => Rule::Url as u32,
        Sign::Pem | Sign::PemEnd | Sign::PemBase64 => Rule::PrivateKey as u32,
        Sign::Jwt => Rule::Jwt as u32,
        Sign::Scheme | Sign::Header => Rule::Authorization as u32,
        Sign::Cookie => Rule::Cookie as u32,
        Sign::Signature => Rule::Signature as u32,
        Sign::Hook => Rule::Webhook as u32,
        Sign::Telegram => Rule::Messaging as u32,
        Sign::AzureSecret | Sign::GoogleRefresh | Sign::Terraform | Sign::AwsSecret => Rule::Cloud as u32,
        Sign::OwnKey => Rule::OwnKey as u32,
    }
}

/// Every word that is a sign, for tests.
#[cfg(test)]
pub(super) fn all_words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().flat_map(|(_, words)| *words).copied()
}
