//! Search expressions of words: `error AND service:api -"time out" (a OR b)`, as Lucene, LogsQL and Datadog write them.

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Leaf(Leaf),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    pub field: Option<String>,
    /// Empty, or one of `=`, `~`, `>`, `<`, `>=`, `<=`.
    pub op: &'static str,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// May hold `*`.
    Word(String),
    Phrase(String),
    In(Vec<String>),
    Range {
        low: String,
        low_in: bool,
        high: String,
        high_in: bool,
    },
    /// `_stream:{…}` or a bare `{…}`, as it was written.
    Braces(String),
}

#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Words side by side are alternatives.
    pub or: bool,
    /// `and`, `or` and `not` may be in any case.
    pub fold: bool,
    /// `!x` negates, `field:="x"`, `field:~"x"`, `field:in(a,b)`, single quotes and backticks.
    pub logsql: bool,
}

impl Expr {
    pub fn eval(&self, leaf: &dyn Fn(&Leaf) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::And(all) => all.iter().all(|one| one.eval(leaf)),
            Self::Or(all) => all.iter().any(|one| one.eval(leaf)),
            Self::Not(one) => !one.eval(leaf),
            Self::Leaf(one) => leaf(one),
        }
    }

    pub fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Self::All => Vec::new(),
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::leaves).collect(),
            Self::Not(one) => one.leaves(),
            Self::Leaf(one) => vec![one],
        }
    }
}

pub fn parse(text: &str, style: Style) -> Result<Expr, String> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0, style, field: None };
    parser.space();
    if parser.peek().is_none() {
        return Ok(Expr::All);
    }
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(c) => Err(format!("unexpected \"{c}\" at column {}", parser.at + 1)),
    }
}

/// `*` stands for anything.
pub fn glob(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// The words of a text in lower case, as a full-text analyser makes them.
pub fn tokens(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether these words follow one another in the text.
pub fn has_phrase(text: &str, phrase: &str) -> bool {
    let (text, phrase) = (tokens(text), tokens(phrase));
    !phrase.is_empty() && text.windows(phrase.len()).any(|window| window == phrase.as_slice())
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    style: Style,
    field: Option<String>,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.space();
        let ahead: String = self.chars.iter().skip(self.at).take_while(|c| c.is_alphabetic()).collect();
        let ends = self.chars.get(self.at + ahead.len()).is_none_or(|c| c.is_whitespace() || "()\"-!".contains(*c));
        let yes = ends && (ahead == word || self.style.fold && ahead.eq_ignore_ascii_case(word));
        if yes {
            self.at += ahead.len();
        }
        yes
    }

    fn ahead(&self, word: &str) -> bool {
        let mut copy = Self { chars: self.chars.clone(), at: self.at, style: self.style, field: None };
        copy.keyword(word)
    }

    fn eat(&mut self, token: &str) -> bool {
        let yes = token.chars().enumerate().all(|(index, c)| self.chars.get(self.at + index) == Some(&c));
        if yes {
            self.at += token.chars().count();
        }
        yes
    }

    fn or(&mut self) -> Result<Expr, String> {
        let mut all = vec![self.and()?];
        loop {
            self.space();
            let implicit = self.style.or && self.peek().is_some_and(|c| c != ')') && !self.ahead("OR");
            if !(implicit || self.keyword("OR") || !self.style.logsql && self.eat("||")) {
                break;
            }
            all.push(self.and()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::Or(all) })
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut all = vec![self.not()?];
        loop {
            self.space();
            let explicit = self.keyword("AND") || !self.style.logsql && self.eat("&&");
            let implicit = !self.style.or && self.peek().is_some_and(|c| c != ')') && !self.ahead("OR");
            if !explicit && !implicit {
                break;
            }
            all.push(self.not()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::And(all) })
    }

    fn not(&mut self) -> Result<Expr, String> {
        self.space();
        if self.keyword("NOT") || self.eat("-") || self.style.logsql && self.eat("!") {
            return Ok(Expr::Not(Box::new(self.not()?)));
        }
        if !self.style.logsql {
            self.eat("+");
        }
        if self.ahead("AND") || self.ahead("OR") {
            return Err(format!("unexpected operator at column {}", self.at + 1));
        }
        if self.eat("(") {
            let inner = self.or()?;
            self.space();
            return if self.eat(")") { Ok(inner) } else { Err("missing \")\"".to_owned()) };
        }
        self.primary()
    }

    fn quoted(&mut self) -> Result<Option<String>, String> {
        let Some(quote) = self.peek().filter(|c| *c == '"' || self.style.logsql && (*c == '\'' || *c == '`')) else { return Ok(None) };
        let from = self.at + 1;
        self.at += 1;
        let mut out = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                c if c == quote => return Ok(Some(out)),
                '\\' if quote != '`' => {
                    out.extend(self.peek().map(|c| if c == 'n' { '\n' } else { c }));
                    self.at += 1;
                }
                c => out.push(c),
            }
        }
        Err(format!("missing closing quote for the string at column {from}"))
    }

    fn bare(&mut self, stops: &str) -> String {
        let mut out = String::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && !stops.contains(*c)) {
            self.at += 1;
            if c == '\\' {
                out.extend(self.peek());
                self.at += 1;
            } else {
                out.push(c);
            }
        }
        out
    }

    fn leaf(&self, op: &'static str, what: What) -> Expr {
        Expr::Leaf(Leaf { field: self.field.clone(), op, what })
    }

    fn primary(&mut self) -> Result<Expr, String> {
        if self.field.is_some() {
            return self.value();
        }
        if self.peek() == Some('{') && self.style.logsql {
            return self.value();
        }
        let quoted = self.quoted()?;
        let (name, phrase) = match quoted {
            Some(text) => (text, true),
            None => (self.bare("():\"|"), false),
        };
        if !self.eat(":") {
            if name.is_empty() {
                return match self.peek() {
                    None => Err("unexpected end of the query".to_owned()),
                    Some(_) if phrase => Ok(self.leaf("", What::Phrase(name))),
                    Some(c) => Err(format!("unexpected \"{c}\" at column {}", self.at + 1)),
                };
            }
            return Ok(self.leaf("", if phrase { What::Phrase(name) } else { What::Word(name) }));
        }
        if name.is_empty() {
            return Err(format!("missing field name before \":\" at column {}", self.at));
        }
        self.field = Some(name);
        let value = if self.eat("(") {
            let inner = self.or();
            self.space();
            if inner.is_ok() && !self.eat(")") { Err("missing \")\"".to_owned()) } else { inner }
        } else if self.style.logsql && self.eat("!") {
            self.value().map(|inner| Expr::Not(Box::new(inner)))
        } else {
            self.value()
        };
        self.field = None;
        value
    }

    fn value(&mut self) -> Result<Expr, String> {
        let ops: &[&'static str] = if self.style.logsql { &[">=", "<=", ">", "<", "=", "~"] } else { &[">=", "<=", ">", "<"] };
        let op = ops.iter().copied().find(|op| self.eat(op)).unwrap_or_default();
        if let Some(text) = self.quoted()? {
            return Ok(self.leaf(op, What::Phrase(text)));
        }
        if self.peek() == Some('{') && self.style.logsql {
            let inner: String = self.chars.iter().skip(self.at).take_while(|c| **c != '}').chain(&['}']).collect();
            self.at += inner.chars().count();
            return Ok(self.leaf("", What::Braces(inner)));
        }
        if op.is_empty() && (self.peek() == Some('[') || self.peek() == Some('{') || self.style.logsql && self.peek() == Some('(')) {
            return self.range();
        }
        for name in ["in(", "range(", "range["] {
            if self.style.logsql && self.eat(name) {
                if name != "in(" {
                    self.at -= 1;
                    return self.range();
                }
                let mut all = Vec::new();
                loop {
                    self.space();
                    match self.quoted()? {
                        Some(text) => all.push(text),
                        None => all.push(self.bare(",()")),
                    }
                    self.space();
                    if self.eat(")") {
                        return Ok(self.leaf("", What::In(all)));
                    }
                    if !self.eat(",") {
                        return Err(format!("missing \",\" or \")\" at column {}", self.at + 1));
                    }
                }
            }
        }
        let word = self.bare("()\"|");
        if word.is_empty() {
            return Err(format!("missing value for the field \"{}\" at column {}", self.field.as_deref().unwrap_or_default(), self.at + 1));
        }
        Ok(self.leaf(op, What::Word(word)))
    }

    fn range(&mut self) -> Result<Expr, String> {
        let low_in = self.peek() == Some('[');
        self.at += 1;
        let inner: String = self.chars.iter().skip(self.at).take_while(|c| !"])}".contains(**c)).collect();
        self.at += inner.chars().count();
        let high_in = match self.peek() {
            None => return Err("missing the end of the range".to_owned()),
            c => c == Some(']'),
        };
        self.at += 1;
        let (low, high) =
            inner.split_once(if self.style.logsql { "," } else { " TO " }).ok_or_else(|| format!("not a range: \"{inner}\""))?;
        let clean = |text: &str| text.trim().trim_matches('"').to_owned();
        Ok(self.leaf("", What::Range { low: clean(low), low_in, high: clean(high), high_in }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LUCENE: Style = Style { or: true, fold: false, logsql: false };
    const LOGSQL: Style = Style { or: false, fold: true, logsql: true };

    fn holds(text: &str, style: Style, words: &[&str]) -> bool {
        parse(text, style).unwrap().eval(&|leaf| {
            let (What::Word(word) | What::Phrase(word)) = &leaf.what else { return false };
            let full = leaf.field.as_ref().map_or_else(|| word.clone(), |field| format!("{field}{}{word}", leaf.op));
            words.contains(&full.as_str())
        })
    }

    #[test]
    fn reads_expressions() {
        assert!(holds("a b", LUCENE, &["b"]) && !holds("a b", LOGSQL, &["b"]));
        assert!(holds("a AND (b OR c) NOT d", LOGSQL, &["a", "c"]) && !holds("a and not d", LOGSQL, &["a", "d"]));
        assert!(holds("f:(x OR y) -z", LOGSQL, &["fy"]) && holds(r#"f:="x y""#, LOGSQL, &["f=x y"]));
        assert!(holds("f:a:b", LUCENE, &["fa:b"]));
        for bad in ["(a", "a AND", "\"a", ":x", "f:", "OR b", "a)"] {
            assert!(parse(bad, LOGSQL).is_err() && parse(bad, LUCENE).is_err(), "{bad}");
        }
        let Expr::Leaf(leaf) = parse("_time:[2024-01-01T00:00:00Z, 2024-01-02T00:00:00Z)", LOGSQL).unwrap() else { panic!() };
        assert!(matches!(leaf.what, What::Range { low_in: true, high_in: false, .. }));
        assert!(glob("ab*d*", "abcdx") && !glob("ab*d", "abcdx") && glob("*", "") && has_phrase("The DB timed out", "db timed"));
        assert!(has_phrase("db timed out", "timed   out") && !has_phrase("db timed out", "time"));
    }
}
