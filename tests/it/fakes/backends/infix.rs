//! Comparisons joined by AND and OR, as SigNoz' filters and TraceQL's braces write them.

use serde_json::{Value, json};

use super::{common::duration_ns, re::Re};

#[derive(Debug, Clone)]
pub enum Expr {
    True,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Cond(Cond),
}

#[derive(Debug, Clone)]
pub struct Cond {
    /// Empty for a bare text, which is searched in the body.
    pub key: String,
    /// Upper case: `=`, `!=`, `<`, `>`, `<=`, `>=`, `LIKE`, `ILIKE`, `CONTAINS`, `REGEXP`, `IN`, `EXISTS`, `BETWEEN`.
    pub op: &'static str,
    pub values: Vec<Value>,
    re: Option<Re>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Style {
    SigNoz,
    /// `=~`, `!~`, `&&`, `||`, durations, words as values.
    TraceQl,
}

impl Expr {
    pub fn eval(&self, cond: &dyn Fn(&Cond) -> bool) -> bool {
        match self {
            Self::True => true,
            Self::And(all) => all.iter().all(|one| one.eval(cond)),
            Self::Or(all) => all.iter().any(|one| one.eval(cond)),
            Self::Not(one) => !one.eval(cond),
            Self::Cond(one) => cond(one),
        }
    }

    pub fn keys(&self) -> Vec<&str> {
        match self {
            Self::True => Vec::new(),
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::keys).collect(),
            Self::Not(one) => one.keys(),
            Self::Cond(one) => vec![&one.key],
        }
    }
}

impl Cond {
    pub fn new(key: &str, op: &'static str, values: Vec<Value>, whole: bool) -> Result<Self, String> {
        let text = values.first().map(plain).unwrap_or_default();
        let re = match op {
            "REGEXP" if whole => Some(Re::new(&format!("^(?:{text})$"))?),
            "REGEXP" => Some(Re::new(&text)?),
            "LIKE" | "ILIKE" => {
                let pattern: String = text
                    .chars()
                    .map(|c| {
                        if c == '%' {
                            ".*".to_owned()
                        } else if c == '_' {
                            ".".to_owned()
                        } else {
                            literal(c)
                        }
                    })
                    .collect();
                let pattern = format!("^{pattern}$");
                Some(if op == "ILIKE" { Re::folded(&pattern)? } else { Re::new(&pattern)? })
            }
            "CONTAINS" => Some(Re::folded(&text.chars().map(literal).collect::<String>())?),
            _ => None,
        };
        Ok(Self { key: key.to_owned(), op, values, re })
    }

    pub fn fits(&self, have: Option<&Value>) -> bool {
        let Some(have) = have.filter(|value| !value.is_null()) else { return self.op == "!=" };
        let text = plain(have);
        let order = |value: &Value| match (number(have), number(value)) {
            (Some(have), Some(value)) => have.partial_cmp(&value),
            _ => Some(text.cmp(&plain(value))),
        };
        let same = |value: &Value| order(value).is_some_and(std::cmp::Ordering::is_eq);
        let first = self.values.first().unwrap_or(&Value::Null);
        match self.op {
            "=" => same(first),
            "!=" => !same(first),
            "<" => order(first).is_some_and(std::cmp::Ordering::is_lt),
            ">" => order(first).is_some_and(std::cmp::Ordering::is_gt),
            "<=" => order(first).is_some_and(std::cmp::Ordering::is_le),
            ">=" => order(first).is_some_and(std::cmp::Ordering::is_ge),
            "IN" => self.values.iter().any(same),
            "EXISTS" => true,
            "BETWEEN" => {
                order(first).is_some_and(std::cmp::Ordering::is_ge)
                    && self.values.get(1).and_then(order).is_some_and(std::cmp::Ordering::is_le)
            }
            _ => self.re.as_ref().is_some_and(|re| re.is_match(&text)),
        }
    }
}

fn literal(c: char) -> String {
    if c.is_alphanumeric() || c == ' ' { c.to_string() } else { format!("\\{c}") }
}

pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(&'static str),
}

const MARKS: &[&str] = &["&&", "||", "=~", "!~", "!=", "<>", ">=", "<=", "==", "=", "<", ">", "(", ")", "[", "]", ",", "!"];

fn split(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut out) = (0, Vec::new());
    while let Some(&c) = chars.get(at) {
        let from = at;
        if c.is_whitespace() {
            at += 1;
        } else if "'\"`".contains(c) {
            let mut value = String::new();
            at += 1;
            loop {
                let Some(&next) = chars.get(at) else { return Err(format!("line 1:{from} token recognition error at: '{c}'")) };
                at += 1;
                if next == c {
                    break;
                }
                if next == '\\' && c != '`' {
                    value.extend(chars.get(at));
                    at += 1;
                } else {
                    value.push(next);
                }
            }
            out.push((from, Token::Text(value)));
        } else if let Some(mark) = MARKS.iter().find(|mark| mark.chars().enumerate().all(|(index, c)| chars.get(at + index) == Some(&c))) {
            at += mark.len();
            out.push((from, Token::Mark(mark)));
        } else {
            let word: String = chars.iter().skip(at).take_while(|c| c.is_alphanumeric() || "_.-:/@$*%".contains(**c)).collect();
            if word.is_empty() {
                return Err(format!("line 1:{from} token recognition error at: '{c}'"));
            }
            at += word.chars().count();
            out.push((from, Token::Word(word)));
        }
    }
    Ok(out)
}

pub fn parse(text: &str, style: Style) -> Result<Expr, String> {
    let mut parser = Parser { tokens: split(text)?, at: 0, style };
    if parser.tokens.is_empty() {
        return Ok(Expr::True);
    }
    let expr = parser.or()?;
    if parser.at < parser.tokens.len() { Err(parser.error("end of the expression")) } else { Ok(expr) }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    style: Style,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn error(&self, expecting: &str) -> String {
        match self.tokens.get(self.at) {
            Some((column, Token::Word(word) | Token::Text(word))) => format!("line 1:{column} unexpected '{word}', expecting {expecting}"),
            Some((column, Token::Mark(mark))) => format!("line 1:{column} unexpected '{mark}', expecting {expecting}"),
            None => {
                format!("line 1:{} unexpected end of input, expecting {expecting}", self.tokens.last().map_or(0, |(column, _)| *column))
            }
        }
    }

    fn mark(&mut self, mark: &str) -> bool {
        let yes = matches!(self.peek(), Some(Token::Mark(have)) if *have == mark);
        self.at += usize::from(yes);
        yes
    }

    fn keyword(&mut self, word: &str) -> bool {
        let yes = self.style == Style::SigNoz && matches!(self.peek(), Some(Token::Word(have)) if have.eq_ignore_ascii_case(word));
        self.at += usize::from(yes);
        yes
    }

    fn or(&mut self) -> Result<Expr, String> {
        let mut all = vec![self.and()?];
        while self.keyword("OR") || self.style == Style::TraceQl && self.mark("||") {
            all.push(self.and()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::Or(all) })
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut all = vec![self.unary()?];
        loop {
            let explicit = self.keyword("AND") || self.style == Style::TraceQl && self.mark("&&");
            let starts = match self.peek() {
                Some(Token::Word(word)) => !word.eq_ignore_ascii_case("OR"),
                Some(Token::Text(_)) => true,
                Some(Token::Mark(mark)) => *mark == "(",
                None => false,
            };
            if !(explicit || starts && self.style == Style::SigNoz) {
                break;
            }
            all.push(self.unary()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::And(all) })
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.keyword("NOT") || self.style == Style::TraceQl && self.mark("!") {
            return Ok(Expr::Not(Box::new(self.unary()?)));
        }
        if self.mark("(") {
            let inner = self.or()?;
            return if self.mark(")") { Ok(inner) } else { Err(self.error("')'")) };
        }
        self.condition()
    }

    fn condition(&mut self) -> Result<Expr, String> {
        let key = match self.peek().cloned() {
            Some(Token::Word(word)) if !["AND", "OR"].iter().any(|one| word.eq_ignore_ascii_case(one)) => word,
            Some(Token::Text(text)) if self.style == Style::SigNoz => {
                self.at += 1;
                return Ok(Expr::Cond(Cond::new("", "CONTAINS", vec![json!(text)], false)?));
            }
            _ => return Err(self.error("a key")),
        };
        self.at += 1;
        let negated = self.keyword("NOT");
        let Some((op, not)) = self.operator() else {
            if self.style == Style::SigNoz && !negated && !key.contains('.') {
                return Ok(Expr::Cond(Cond::new("", "CONTAINS", vec![json!(key)], false)?));
            }
            return Err(self.error("an operator"));
        };
        let values = match op {
            "EXISTS" => Vec::new(),
            "IN" => self.list()?,
            "BETWEEN" => {
                let low = self.value()?;
                if !self.keyword("AND") {
                    return Err(self.error("AND"));
                }
                vec![low, self.value()?]
            }
            _ => vec![self.value()?],
        };
        let cond = Expr::Cond(Cond::new(&key, op, values, self.style == Style::TraceQl)?);
        Ok(if negated != not { Expr::Not(Box::new(cond)) } else { cond })
    }

    fn operator(&mut self) -> Option<(&'static str, bool)> {
        for op in ["LIKE", "ILIKE", "CONTAINS", "REGEXP", "IN", "EXISTS", "BETWEEN"] {
            if self.keyword(op) {
                return Some((op, false));
            }
        }
        let signoz = self.style == Style::SigNoz;
        let found = match self.peek() {
            Some(Token::Mark("=~")) if !signoz => ("REGEXP", false),
            Some(Token::Mark("!~")) if !signoz => ("REGEXP", true),
            Some(Token::Mark("==")) if signoz => ("=", false),
            Some(Token::Mark("<>")) if signoz => ("!=", false),
            Some(Token::Mark(mark @ ("=" | "!=" | "<" | ">" | "<=" | ">="))) => (*mark, false),
            _ => return None,
        };
        self.at += 1;
        Some(found)
    }

    fn list(&mut self) -> Result<Vec<Value>, String> {
        let close = if self.mark("(") {
            ")"
        } else if self.mark("[") {
            "]"
        } else {
            return Ok(vec![self.value()?]);
        };
        let mut all = vec![self.value()?];
        while self.mark(",") {
            all.push(self.value()?);
        }
        if self.mark(close) { Ok(all) } else { Err(self.error(close)) }
    }

    fn value(&mut self) -> Result<Value, String> {
        let value = match self.peek() {
            Some(Token::Text(text)) => json!(text),
            Some(Token::Word(word)) => match word.as_str() {
                "true" | "false" => json!(word == "true"),
                "nil" => Value::Null,
                word => match (word.parse::<i64>(), word.parse::<f64>(), duration_ns(word)) {
                    (Ok(whole), ..) => json!(whole),
                    (_, Ok(number), _) => json!(number),
                    (_, _, Some(ns)) if self.style == Style::TraceQl => json!(ns),
                    _ if ["AND", "OR", "NOT"].contains(&word.to_uppercase().as_str()) => return Err(self.error("a value")),
                    _ => json!(word),
                },
            },
            _ => return Err(self.error("a value")),
        };
        self.at += 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, style: Style) -> bool {
        let row = json!({"a": "b", "n": 5, "body": "Order failed (again)", "s.x": "yes", "e": true, "duration": 2_000_000});
        let key = |cond: &Cond| if cond.key.is_empty() { "body".to_owned() } else { cond.key.clone() };
        parse(text, style).unwrap().eval(&|cond| cond.fits(row.get(key(cond))))
    }

    #[test]
    fn reads_both_dialects() {
        for yes in [
            "a = 'b' AND n >= 5",
            "a IN ('x','b')",
            "body CONTAINS 'FAILED (a'",
            "body LIKE 'Order%'",
            "body ILIKE 'order%'",
            "n BETWEEN 1 AND 5",
            "s.x EXISTS",
            "zz NOT EXISTS and NOT (a != 'b')",
            "body REGEXP 'fail(ed|ure)'",
            "a = 'c' OR e = true",
            "'again' a='b'",
            "a NOT IN ['x']",
            "",
        ] {
            assert!(holds(yes, Style::SigNoz), "{yes}");
        }
        for no in ["a = 'b' AND n > 5", "a != 'b'", "body LIKE 'order%'", "NOT e = true"] {
            assert!(!holds(no, Style::SigNoz), "{no}");
        }
        for bad in ["a =", "a = 'b", "(a = 'b'", "a = 'b' AND", "= 'b'", "a ~ 'b'", "a IN ('x'", "s.x"] {
            assert!(parse(bad, Style::SigNoz).is_err(), "{bad}");
        }
        assert!(
            holds("a = \"b\" && duration > 1ms || n < 1", Style::TraceQl)
                && holds("a =~ `b|c` && a !~ \"x\"", Style::TraceQl)
                && !holds("duration > 1s", Style::TraceQl)
        );
        assert!(parse("a = b AND c = d", Style::TraceQl).is_err());
    }
}
