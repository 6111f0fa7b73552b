//! The rules by name and rank, and the secrets that a fixed prefix gives away.

/// What kind of secret was taken. The order is the rank: where two rules take the same bytes, the first one names the marker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Rule {
    TooLong,
    PrivateKey,
    Url,
    Jwt,
    Slack,
    Webhook,
    Cloud,
    CodeHost,
    Package,
    Payment,
    Messaging,
    Model,
    Monitoring,
    Vault,
    OwnKey,
    Kubernetes,
    Cookie,
    Authorization,
    Signature,
    Secret,
    Card,
    Email,
}

/// Every rule and the word that its marker carries, by rank.
pub(super) const RULES: [(Rule, &str); 22] = [
    (Rule::TooLong, "too long to examine"),
    (Rule::PrivateKey, "private key"),
    (Rule::Url, "password in a URL"),
    (Rule::Jwt, "JWT"),
    (Rule::Slack, "Slack token"),
    (Rule::Webhook, "webhook URL"),
    (Rule::Cloud, "cloud key"),
    (Rule::CodeHost, "code host token"),
    (Rule::Package, "package registry token"),
    (Rule::Payment, "payment key"),
    (Rule::Messaging, "messaging key"),
    (Rule::Model, "model key"),
    (Rule::Monitoring, "monitoring key"),
    (Rule::Vault, "Vault token"),
    (Rule::OwnKey, "API key"),
    (Rule::Kubernetes, "Kubernetes secret"),
    (Rule::Cookie, "cookie"),
    (Rule::Authorization, "authorization"),
    (Rule::Signature, "signature"),
    (Rule::Secret, "secret"),
    (Rule::Card, "payment card"),
    (Rule::Email, "e-mail address"),
];

impl Rule {
    /// Where the rule stands in [`RULES`].
    pub(super) fn rank(self) -> usize {
        self as usize
    }

    pub(super) fn name(self) -> &'static str {
        RULES.get(self.rank()).map_or("secret", |(_, name)| name)
    }
}

/// The characters that the part behind a prefix is made of.
#[derive(Clone, Copy)]
pub(super) enum Chars {
    /// `0-9a-f`, either case.
    Hex,
    /// `A-Z0-9`.
    Upper,
    Alnum,
    /// Letters, digits, `_` and `-`.
    Word,
    /// Letters, digits, `_`, `-` and `.`.
    Dotted,
    /// All of base64 in both alphabets, with `.`, `~` and `%` escapes.
    Base64,
}

impl Chars {
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'=' | b'~' | b'%'),
        }
    }
}

/// A secret that begins with fixed letters: prefix, then at least `least` characters of one kind.
pub(super) struct Prefix {
    pub(super) rule: Rule,
    /// In the case in which the vendor writes it.
    pub(super) start: &'static str,
    pub(super) chars: Chars,
    pub(super) least: usize,
    /// Exactly `least` characters, no more.
    pub(super) exact: bool,
    /// The letters are so short that a longer word could end in them: the secret must begin where a word begins.
    pub(super) word: bool,
    /// A kebab-case name could look the same: at least one digit or capital is needed.
    pub(super) mixed: bool,
}

const fn open(rule: Rule, start: &'static str, chars: Chars, least: usize) -> Prefix {
    Prefix { rule, start, chars, least, exact: false, word: false, mixed: false }
}

const fn word(rule: Rule, start: &'static str, chars: Chars, least: usize) -> Prefix {
    Prefix { rule, start, chars, least, exact: false, word: true, mixed: false }
}

const fn exact(rule: Rule, start: &'static str, chars: Chars, least: usize) -> Prefix {
    Prefix { rule, start, chars, least, exact: true, word: true, mixed: false }
}

const fn mixed(rule: Rule, start: &'static str, chars: Chars, least: usize) -> Prefix {
    Prefix { rule, start, chars, least, exact: false, word: true, mixed: true }
}

/// Lengths are the vendors' or shorter, so that a token cut off in a log is still taken. Sources: the table in the module's description.
pub(super) const PREFIXES: &[Prefix] = &[
    open(Rule::Slack, "xoxa-", Chars::Word, 8),
    open(Rule::Slack, "xoxb-", Chars::Word, 8),
    open(Rule::Slack, "xoxc-", Chars::Word, 8),
    open(Rule::Slack, "xoxd-", Chars::Base64, 8),
    open(Rule::Slack, "xoxe-", Chars::Word, 8),
    open(Rule::Slack, "xoxe.", Chars::Dotted, 8),
    open(Rule::Slack, "xoxo-", Chars::Word, 8),
    open(Rule::Slack, "xoxp-", Chars::Word, 8),
    open(Rule::Slack, "xoxr-", Chars::Word, 8),
    open(Rule::Slack, "xoxs-", Chars::Word, 8),
    word(Rule::Slack, "xapp-", Chars::Word, 8),
    exact(Rule::Cloud, "AKIA", Chars::Upper, 16),
    exact(Rule::Cloud, "ASIA", Chars::Upper, 16),
    open(Rule::Cloud, "AIza", Chars::Word, 30),
    open(Rule::Cloud, "ya29.", Chars::Dotted, 16),
    open(Rule::Cloud, "GOCSPX-", Chars::Word, 20),
    open(Rule::Cloud, "dop_v1_", Chars::Hex, 32),
    open(Rule::Cloud, "doo_v1_", Chars::Hex, 32),
    open(Rule::Cloud, "dor_v1_", Chars::Hex, 32),
    word(Rule::Cloud, "HRKU-", Chars::Word, 20),
    word(Rule::Cloud, "dapi", Chars::Hex, 32),
    open(Rule::CodeHost, "ghp_", Chars::Alnum, 20),
    open(Rule::CodeHost, "gho_", Chars::Alnum, 20),
    open(Rule::CodeHost, "ghu_", Chars::Alnum, 20),
    open(Rule::CodeHost, "ghs_", Chars::Dotted, 20),
    open(Rule::CodeHost, "ghr_", Chars::Alnum, 20),
    open(Rule::CodeHost, "github_pat_", Chars::Word, 20),
    open(Rule::CodeHost, "glpat-", Chars::Dotted, 16),
    open(Rule::CodeHost, "gldt-", Chars::Dotted, 16),
    open(Rule::CodeHost, "glrt-", Chars::Dotted, 16),
    open(Rule::CodeHost, "glcbt-", Chars::Dotted, 16),
    open(Rule::CodeHost, "glptt-", Chars::Dotted, 16),
    open(Rule::CodeHost, "glft-", Chars::Dotted, 16),
    open(Rule::CodeHost, "glimt-", Chars::Dotted, 16),
    open(Rule::CodeHost, "glagent-", Chars::Dotted, 16),
    open(Rule::CodeHost, "glsoat-", Chars::Dotted, 16),
    open(Rule::CodeHost, "glffct-", Chars::Dotted, 16),
    open(Rule::CodeHost, "gloas-", Chars::Dotted, 16),
    word(Rule::CodeHost, "GR1348941", Chars::Word, 16),
    word(Rule::CodeHost, "ATBB", Chars::Alnum, 24),
    word(Rule::CodeHost, "ATATT3", Chars::Base64, 24),
    word(Rule::CodeHost, "ATCTT3", Chars::Base64, 24),
    open(Rule::Package, "npm_", Chars::Alnum, 30),
    open(Rule::Package, "pypi-AgE", Chars::Word, 16),
    open(Rule::Package, "dckr_pat_", Chars::Word, 16),
    open(Rule::Package, "dckr_oat_", Chars::Word, 16),
    open(Rule::Package, "rubygems_", Chars::Hex, 32),
    open(Rule::Payment, "sk_live_", Chars::Alnum, 10),
    open(Rule::Payment, "sk_test_", Chars::Alnum, 10),
    open(Rule::Payment, "rk_live_", Chars::Alnum, 10),
    open(Rule::Payment, "rk_test_", Chars::Alnum, 10),
    open(Rule::Payment, "whsec_", Chars::Base64, 16),
    word(Rule::Messaging, "SG.", Chars::Dotted, 32),
    exact(Rule::Messaging, "SK", Chars::Hex, 32),
    word(Rule::Messaging, "key-", Chars::Hex, 32),
    mixed(Rule::Model, "sk-", Chars::Word, 20),
    mixed(Rule::Model, "gsk_", Chars::Alnum, 20),
    mixed(Rule::Model, "xai-", Chars::Alnum, 20),
    word(Rule::Model, "hf_", Chars::Alnum, 30),
    open(Rule::Monitoring, "glsa_", Chars::Word, 16),
    open(Rule::Monitoring, "glc_ey", Chars::Base64, 16),
    open(Rule::Monitoring, "pdus+", Chars::Word, 12),
    open(Rule::Monitoring, "pdeu+", Chars::Word, 12),
    open(Rule::Monitoring, "NRAK-", Chars::Alnum, 20),
    open(Rule::Monitoring, "ddapp_", Chars::Alnum, 20),
    open(Rule::Monitoring, "sntrys_", Chars::Base64, 20),
    open(Rule::Monitoring, "sntryu_", Chars::Hex, 32),
    word(Rule::Vault, "hvs.", Chars::Word, 16),
    word(Rule::Vault, "hvb.", Chars::Word, 16),
    word(Rule::Vault, "hvr.", Chars::Word, 16),
];
