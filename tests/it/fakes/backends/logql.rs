//! The part of LogQL that the fake Loki understands; everything else is a parse error with its column.

use serde_json::Value;

use super::{
    common::{Log, Pairs, duration_ns, find},
    re::Re,
};

#[derive(Debug, Clone)]
pub struct Matcher {
    pub name: String,
    op: Op,
    value: String,
    re: Option<Re>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Op {
    Is,
    IsNot,
    Like,
    NotLike,
}

impl Matcher {
    fn new(name: String, op: Op, value: String) -> Result<Self, String> {
        let re = match op {
            Op::Like | Op::NotLike => Some(Re::new(&value).map_err(|error| format!("parse error : error parsing regexp: {error}"))?),
            Op::Is | Op::IsNot => None,
        };
        Ok(Self { name, op, value, re })
    }

    pub fn fits(&self, value: &str) -> bool {
        let like = self.re.as_ref().is_some_and(|re| re.is_full(value));
        match self.op {
            Op::Is => value == self.value,
            Op::IsNot => value != self.value,
            Op::Like => like,
            Op::NotLike => !like,
        }
    }
}

#[derive(Debug, Clone)]
enum Stage {
    Line { op: Op, values: Vec<(String, Option<Re>)> },
    Label(Matcher),
    Json,
    Logfmt,
}

#[derive(Debug, Clone)]
pub struct Pipeline {
    pub matchers: Vec<Matcher>,
    stages: Vec<Stage>,
}

impl Pipeline {
    pub fn selects(&self, labels: &[(String, String)]) -> bool {
        self.matchers.iter().all(|matcher| matcher.fits(find(labels, &matcher.name).unwrap_or_default()))
    }

    pub fn passes(&self, log: &Log, labels: &[(String, String)]) -> bool {
        let (mut json, mut logfmt) = (false, false);
        self.stages.iter().all(|stage| match stage {
            Stage::Json => {
                json = true;
                true
            }
            Stage::Logfmt => {
                logfmt = true;
                true
            }
            Stage::Label(matcher) => matcher.fits(&extracted(log, labels, &matcher.name, json, logfmt)),
            Stage::Line { op, values } => {
                let any = values
                    .iter()
                    .any(|(text, re)| re.as_ref().map_or_else(|| log.body.contains(text.as_str()), |re| re.is_match(&log.body)));
                any == matches!(op, Op::Is | Op::Like)
            }
        })
    }

    pub fn bare(&self) -> bool {
        self.stages.is_empty()
    }
}

fn extracted(log: &Log, labels: &[(String, String)], name: &str, json: bool, logfmt: bool) -> String {
    let known = find(labels, name).map(ToOwned::to_owned);
    let from_json = || {
        let body: Value = json.then(|| serde_json::from_str(&log.body).ok()).flatten()?;
        body.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
    };
    let from_logfmt = || {
        let mut words = log.body.split_whitespace().filter_map(|word| word.split_once('='));
        words.find(|(key, _)| logfmt && *key == name).map(|(_, value)| value.trim_matches('"').to_owned())
    };
    let detected = || (name == "detected_level").then(|| log.severity.to_lowercase());
    known.or_else(from_json).or_else(from_logfmt).or_else(detected).unwrap_or_default()
}

#[derive(Debug, Clone)]
pub enum Query {
    Logs(Pipeline),
    Metric(Metric),
}

#[derive(Debug, Clone)]
pub struct Metric {
    pub pipeline: Pipeline,
    pub range_ns: i64,
    /// Per second instead of a count.
    pub rate: bool,
    /// The bytes of the lines instead of their number.
    pub bytes: bool,
    /// The outer aggregation with what it groups by.
    pub outer: Option<(String, Vec<String>)>,
}

pub fn parse(text: &str) -> Result<Query, String> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0 };
    parser.space();
    let query = if parser.peek() == Some('{') { Query::Logs(parser.pipeline()?) } else { Query::Metric(parser.metric()?) };
    parser.end()?;
    Ok(query)
}

/// Only a stream selector, as `/series` and `/index/stats` want it.
pub fn parse_selector(text: &str) -> Result<Pipeline, String> {
    match parse(text)? {
        Query::Logs(pipeline) if pipeline.bare() => Ok(pipeline),
        _ => Err("parse error : only label matchers are supported".to_owned()),
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
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

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let yes = token.chars().enumerate().all(|(index, c)| self.chars.get(self.at + index) == Some(&c));
        if yes {
            self.at += token.chars().count();
        }
        yes
    }

    fn want(&mut self, token: &str) -> Result<(), String> {
        if self.eat(token) { Ok(()) } else { Err(self.error(&format!(", expecting {token}"))) }
    }

    fn error(&self, expecting: &str) -> String {
        let unexpected = match self.peek() {
            None => "$end".to_owned(),
            Some('"' | '`') => "STRING".to_owned(),
            Some(c) if c.is_alphabetic() || c == '_' => "IDENTIFIER".to_owned(),
            Some(c) if c.is_ascii_digit() => "NUMBER".to_owned(),
            Some(c) => c.to_string(),
        };
        let before: String = self.chars.iter().take(self.at).collect();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("parse error at line {line}, col {column}: syntax error: unexpected {unexpected}{expecting}")
    }

    fn end(&mut self) -> Result<(), String> {
        self.space();
        if self.peek().is_some() { Err(self.error("")) } else { Ok(()) }
    }

    fn word(&mut self) -> Result<String, String> {
        self.space();
        let word: String = self.chars.iter().skip(self.at).take_while(|c| c.is_alphanumeric() || **c == '_').collect();
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self.error(", expecting IDENTIFIER"));
        }
        self.at += word.chars().count();
        Ok(word)
    }

    fn string(&mut self) -> Result<String, String> {
        self.space();
        let Some(quote @ ('"' | '`')) = self.peek() else { return Err(self.error(", expecting STRING")) };
        let from = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(c) = self.peek() else {
                self.at = from;
                return Err(self.error("").replace("syntax error: unexpected STRING", "literal not terminated"));
            };
            self.at += 1;
            match c {
                c if c == quote => return Ok(out),
                '\\' if quote == '"' => {
                    let escaped = self.peek();
                    self.at += 1;
                    out.push(match escaped {
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some('r') => '\r',
                        Some(c @ ('"' | '\\' | '\'')) => c,
                        _ => return Err(self.error("").replace("syntax error", "invalid char escape")),
                    });
                }
                c => out.push(c),
            }
        }
    }

    fn op(&mut self) -> Result<Op, String> {
        for (token, op) in [("=~", Op::Like), ("!~", Op::NotLike), ("!=", Op::IsNot), ("==", Op::Is), ("=", Op::Is)] {
            if self.eat(token) {
                return Ok(op);
            }
        }
        Err(self.error(", expecting = or != or =~ or !~"))
    }

    fn pipeline(&mut self) -> Result<Pipeline, String> {
        self.want("{")?;
        let mut matchers = Vec::new();
        if !self.eat("}") {
            loop {
                let name = self.word()?;
                let op = self.op()?;
                matchers.push(Matcher::new(name, op, self.string()?)?);
                if self.eat("}") {
                    break;
                }
                self.want(",")?;
            }
        }
        if matchers.iter().all(|matcher| matcher.fits("")) {
            return Err(
                "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. \
                For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will"
                    .to_owned(),
            );
        }
        let mut stages = Vec::new();
        while let Some(stage) = self.stage()? {
            stages.push(stage);
        }
        Ok(Pipeline { matchers, stages })
    }

    fn stage(&mut self) -> Result<Option<Stage>, String> {
        for (token, op) in [("|=", Op::Is), ("|~", Op::Like), ("!=", Op::IsNot), ("!~", Op::NotLike)] {
            if !self.eat(token) {
                continue;
            }
            let mut values = Vec::new();
            loop {
                let text = self.string()?;
                let wanted = matches!(op, Op::Like | Op::NotLike);
                let re =
                    wanted.then(|| Re::new(&text)).transpose().map_err(|error| format!("parse error : error parsing regexp: {error}"))?;
                values.push((text, re));
                if !self.eat("or ") {
                    break;
                }
            }
            return Ok(Some(Stage::Line { op, values }));
        }
        if !self.eat("|") {
            return Ok(None);
        }
        let from = self.at;
        let name = self.word()?;
        Ok(Some(match name.as_str() {
            "json" => Stage::Json,
            "logfmt" => Stage::Logfmt,
            "pattern" | "regexp" | "line_format" | "label_format" | "unwrap" | "unpack" | "decolorize" | "drop" | "keep" => {
                self.at = from;
                return Err(self.error(" (the fake does not know this stage)"));
            }
            _ => {
                let op = self.op()?;
                Stage::Label(Matcher::new(name, op, self.string()?)?)
            }
        }))
    }

    fn grouping(&mut self) -> Result<Option<Vec<String>>, String> {
        if !self.eat("by") {
            return Ok(None);
        }
        self.want("(")?;
        let mut names = Vec::new();
        while !self.eat(")") {
            names.push(self.word()?);
            self.eat(",");
        }
        Ok(Some(names))
    }

    fn metric(&mut self) -> Result<Metric, String> {
        let from = self.at;
        let name = self.word().map_err(|_| {
            self.at = from;
            self.error("")
        })?;
        match name.as_str() {
            "sum" | "max" | "min" | "avg" | "count" => {
                let before = self.grouping()?;
                self.want("(")?;
                let inner = self.metric()?;
                self.want(")")?;
                let after = if before.is_none() { self.grouping()? } else { None };
                if inner.outer.is_some() {
                    self.at = from;
                    return Err(self.error(" (the fake knows one aggregation only)"));
                }
                Ok(Metric { outer: Some((name, before.or(after).unwrap_or_default())), ..inner })
            }
            "count_over_time" | "rate" | "bytes_over_time" | "bytes_rate" => {
                self.want("(")?;
                let pipeline = self.pipeline()?;
                self.want("[")?;
                let range: String = self.chars.iter().skip(self.at).take_while(|c| **c != ']').collect();
                let digits = range.starts_with(|c: char| c.is_ascii_digit()) && range.ends_with(char::is_alphabetic);
                let Some(range_ns) = duration_ns(&range).filter(|range| *range > 0 && digits) else {
                    return Err(self.error(", expecting DURATION"));
                };
                self.at += range.chars().count();
                self.want("]")?;
                self.want(")")?;
                Ok(Metric { pipeline, range_ns, rate: name.ends_with("rate"), bytes: name.starts_with("bytes"), outer: None })
            }
            _ => {
                self.at = from;
                Err(self.error(""))
            }
        }
    }
}

impl Metric {
    /// The labels of the series that a line of this stream counts for.
    pub fn group(&self, labels: &[(String, String)]) -> Pairs {
        match &self.outer {
            None => labels.to_vec(),
            Some((_, by)) => labels.iter().filter(|(name, _)| by.contains(name)).cloned().collect(),
        }
    }
}
