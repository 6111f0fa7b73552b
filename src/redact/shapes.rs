//! Secrets that their own shape gives away: prefixed tokens, web tokens, passwords in addresses, hooks.

use super::{
    harmless,
    look::{at, before, begins_word, run, run_back},
    rules::{Chars, PREFIXES, Rule},
    scan::{REACH, Scan},
};

impl Scan<'_> {
    pub(super) fn prefix(&mut self, index: usize, start: usize, end: usize) {
        let Some(prefix) = PREFIXES.get(index) else { return };
        if self.part(start, end) != prefix.start || (prefix.word && !begins_word(self.bytes, start)) {
            return;
        }
        let last = run(self.bytes, end, REACH, |byte| prefix.chars.has(byte));
        self.work += last - end;
        let long = last - end;
        if long < prefix.least || (prefix.exact && (long > prefix.least || is_word(at(self.bytes, last)))) {
            return;
        }
        let body = self.part(end, last);
        if prefix.mixed && body.contains('-') && !body.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
            return;
        }
        self.take(start, last, prefix.rule);
        if matches!(prefix.start, "AKIA" | "ASIA") {
            self.aws_secret(last, 120);
        }
    }

    /// The secret half of an AWS key has no prefix: forty characters of base64 near its other half or its name.
    pub(super) fn aws_secret(&mut self, from: usize, reach: usize) {
        let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let last = (from + reach).min(self.bytes.len());
        self.work += last - from;
        let mut index = from;
        while index < last {
            let end = run(self.bytes, index, 64, base64);
            let body = self.part(index, end).as_bytes();
            let has = |fits: fn(&u8) -> bool| body.iter().any(fits);
            if end - index == 40 && has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) {
                return self.take(index, end, Rule::Cloud);
            }
            index = end.max(index) + 1;
        }
    }

    /// Header, claims and signature, the last possibly cut off. One part alone is taken where Grafana's old keys begin like it.
    pub(super) fn jwt(&mut self, start: usize, end: usize) {
        if self.part(start, end) != "eyJ" || !begins_word(self.bytes, start) {
            return;
        }
        let head = run(self.bytes, end, REACH, |byte| Chars::Word.has(byte));
        self.work += head - end;
        if at(self.bytes, head) == b'.' {
            let claims = run(self.bytes, head + 1, REACH, |byte| Chars::Word.has(byte));
            let all = run(self.bytes, head + 1, 2 * REACH, |byte| Chars::Dotted.has(byte));
            self.work += all - head;
            if head - end >= 8 && claims - head > 8 {
                self.take(start, all, Rule::Jwt);
            }
        } else if head - end >= 40 && self.part(start, head).starts_with("eyJrIjoi") {
            self.take(start, head, Rule::Monitoring);
        }
    }

    /// `scheme://user:password@host`: what stands between the first colon and the last `@` of the authority.
    pub(super) fn url(&mut self, start: usize, end: usize) {
        if !before(self.bytes, start).is_ascii_alphanumeric() {
            return;
        }
        let space = |byte: u8| byte <= b' ' && byte != super::scan::MASK || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>');
        let border = run(self.bytes, end, REACH, |byte| !space(byte) && !matches!(byte, b'/' | b'?' | b'#' | b'\\'));
        self.work += border - end;
        let authority = self.part(end, border);
        let colon = authority.find(':');
        if let Some(at_sign) = authority.rfind('@') {
            let secret = match colon.filter(|colon| *colon < at_sign) {
                Some(colon) => (end + colon + 1, end + at_sign),
                // A token can stand alone in the place of the user.
                None if at_sign >= 20 && authority.bytes().any(|byte| byte.is_ascii_digit()) => (end, end + at_sign),
                None => return,
            };
            return self.credential(secret.0, secret.1);
        }
        // `user:pa/ss@host`: not escaped, so the authority seems to end too early; a port would be a number.
        let Some(colon) = colon.map(|colon| end + colon + 1) else { return };
        if self.part(colon, border).bytes().all(|byte| byte.is_ascii_digit()) && border > colon {
            return;
        }
        let rest = run(self.bytes, border, 256, |byte| !space(byte) && byte != b'@');
        let border = run(self.bytes, rest, 256, |byte| !space(byte) && !matches!(byte, b'/' | b'?' | b'#' | b'\\'));
        self.work += border - colon;
        if let Some(at_sign) = self.part(rest, border).rfind('@') {
            self.credential(colon, rest + at_sign);
        }
    }

    /// The same with `%3A` for the colon and `%40` for the `@`: an address inside another one's query.
    pub(super) fn encoded_url(&mut self, end: usize) {
        let border = run(self.bytes, end, REACH, |byte| Chars::Base64.has(byte) && byte != b'/');
        self.work += border - end;
        let address = self.part(end, border).to_ascii_lowercase();
        let authority = address.split("%2f").next().unwrap_or_default();
        if let (Some(colon), Some(at_sign)) = (authority.find("%3a"), authority.rfind("%40"))
            && colon < at_sign
        {
            self.credential(end + colon + 3, end + at_sign);
        }
    }

    /// `jdbc:oracle:thin:user/password@…`
    pub(super) fn oracle(&mut self, end: usize) {
        let at_sign = run(self.bytes, end, 256, |byte| byte > b' ' && byte != b'@');
        self.work += at_sign - end;
        if at(self.bytes, at_sign) == b'@'
            && let Some(slash) = self.part(end, at_sign).find('/')
        {
            self.credential(end + slash + 1, at_sign);
        }
    }

    /// `curl … -u user:password`
    pub(super) fn curl(&mut self, end: usize) {
        let last = run(self.bytes, end, 512, |byte| byte != b'\n');
        self.work += last - end;
        let line = self.part(end, last);
        for flag in [" -u ", " --user ", " -u", " --user="] {
            let Some(found) = line.find(flag) else { continue };
            let from = end + found + flag.len();
            let from = from + usize::from(matches!(at(self.bytes, from), b'"' | b'\''));
            let to = run(self.bytes, from, 256, |byte| byte > b' ' && !matches!(byte, b'"' | b'\''));
            if let Some(colon) = self.part(from, to).find(':') {
                return self.credential(from + colon + 1, to);
            }
        }
    }

    /// Takes a password out of an address, unless it only says that one belongs there.
    fn credential(&mut self, start: usize, end: usize) {
        if !harmless::placeholder(self.part(start, end)) {
            self.take(start, end, Rule::Url);
        }
    }

    /// Addresses that let everyone post who knows them.
    pub(super) fn hook(&mut self, end: usize) {
        let last = run(self.bytes, end, 512, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'\\' | b'%' | b'@' | b'.')
        });
        self.work += last - end;
        let path = self.part(end, last);
        let found = ["services", "workflows", "triggers", "webhooks", "webhookb2", "integrations", "integration"]
            .iter()
            .find_map(|word| path.find(word).map(|found| found + word.len()));
        let Some(found) = found else { return };
        let rest = path.get(found..).unwrap_or_default();
        let lead = if rest.get(..3).is_some_and(|lead| lead.eq_ignore_ascii_case("%2f")) {
            3
        } else {
            rest.len() - rest.trim_start_matches(['/', '\\']).len()
        };
        let to = last - (rest.len() - rest.trim_end_matches(['\\', '.']).len());
        if lead > 0 && to > end + found + lead + 8 {
            self.take(end + found + lead, to, Rule::Webhook);
        }
    }

    /// `123456789:AA…`: a bot's number, then 35 characters.
    pub(super) fn telegram(&mut self, start: usize, end: usize) {
        let from = run_back(self.bytes, start, 11, |byte| byte.is_ascii_digit());
        let token = end - 2;
        let last = run(self.bytes, token, 64, |byte| Chars::Word.has(byte));
        self.work += last - from;
        let led = begins_word(self.bytes, from) || self.part(from.saturating_sub(3), from) == "bot";
        if (8..=10).contains(&(start - from)) && led && self.part(token, last).starts_with("AA") && last - token >= 30 {
            self.take(from, last, Rule::Messaging);
        }
    }

    /// Client secrets of Entra: three characters, a digit, `Q~`, then at least 31 more.
    pub(super) fn azure_secret(&mut self, start: usize, end: usize) {
        let fits = |byte: u8| Chars::Dotted.has(byte) || byte == b'~';
        let (from, last) = (run_back(self.bytes, start, 4, fits), run(self.bytes, end, 64, fits));
        self.work += last - from;
        if self.part(start, end) == "Q~" && before(self.bytes, start).is_ascii_digit() && start - from == 4 && last - end >= 31 {
            self.take(from, last, Rule::Cloud);
        }
    }

    pub(super) fn google_refresh(&mut self, start: usize, end: usize) {
        let last = run(self.bytes, end, 512, |byte| Chars::Word.has(byte));
        self.work += last - end;
        if last - end >= 30 && begins_word(self.bytes, start) && before(self.bytes, start) != b':' {
            self.take(start, last, Rule::Cloud);
        }
    }

    pub(super) fn terraform(&mut self, start: usize, end: usize) {
        let (from, last) =
            (run_back(self.bytes, start, 20, |byte| Chars::Alnum.has(byte)), run(self.bytes, end, 256, |byte| Chars::Word.has(byte)));
        self.work += last - from;
        if start - from >= 8 && last - end >= 30 {
            self.take(from, last, Rule::Cloud);
        }
    }

    /// `sig=…` of a signed address, `Signature=…` of a signed request.
    pub(super) fn signature(&mut self, start: usize, end: usize) {
        let last = run(self.bytes, end, 1024, |byte| Chars::Base64.has(byte));
        self.work += last - end;
        let least = if end - start > 4 { 32 } else { 20 };
        let led = begins_word(self.bytes, start) || before(self.bytes, start) == b'_';
        if led && last - end >= least && self.part(end, last).bytes().any(|byte| byte.is_ascii_digit()) {
            self.take(end, last, Rule::Signature);
        }
    }

    /// Our own keys: `sre_<id>_<secret>`. Names that begin like it are in words, without digits or capitals.
    pub(super) fn own_key(&mut self, start: usize, end: usize) {
        let last = run(self.bytes, end, 512, |byte| Chars::Word.has(byte));
        self.work += last - end;
        let Some((id, secret)) = self.part(end, last).split_once('_') else { return };
        let mixed = secret.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        if self.part(start, end) == "sre_" && begins_word(self.bytes, start) && !id.is_empty() && secret.len() >= 16 && mixed {
            self.take(start, last, Rule::OwnKey);
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
