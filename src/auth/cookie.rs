//! One cookie: its attributes when it is set, its value when it comes back.

/// A cookie that scripts cannot read, that other sites send only when a person follows a link, and that is for this host alone.
#[derive(Debug, Clone, Copy)]
pub struct Cookie<'a> {
    base: &'a str,
    secure: bool,
}

impl<'a> Cookie<'a> {
    /// `base` is the name without prefix; `secure` where people reach us by https.
    pub fn new(base: &'a str, secure: bool) -> Self {
        Self { base, secure }
    }

    /// With https the name begins with `__Host-`: browsers then take it from this very host only, and never from http.
    pub fn name(&self) -> String {
        if self.secure { format!("__Host-{}", self.base) } else { self.base.to_owned() }
    }

    /// The value of `Set-Cookie`. What cannot stand in a cookie is left out of `value`; no value of ours holds it.
    pub fn set(&self, value: &str, max_age_seconds: i64) -> String {
        let value: String = value.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | ',' | ';' | '\\')).collect();
        let secure = if self.secure { "; Secure" } else { "" };
        // Lax: a redirect from Slack is a navigation from elsewhere, and has to bring it.
        format!("{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", self.name(), max_age_seconds.max(0))
    }

    /// The value of `Set-Cookie` that takes it away.
    pub fn clear(&self) -> String {
        self.set("", 0)
    }

    /// Its value in the `Cookie` headers of a request. `None` also where two are sent: one of them is somebody else's.
    pub fn read<'h>(&self, headers: impl IntoIterator<Item = &'h str>) -> Option<&'h str> {
        let name = self.name();
        let pairs = headers.into_iter().flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value);
        let first = values.next()?;
        (values.next().is_none() && !first.is_empty()).then_some(first)
    }
}
