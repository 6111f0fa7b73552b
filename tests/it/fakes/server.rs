//! What the fakes over HTTP share: a server that answers by a function, a journal, and a reader of filters with AND and OR.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Of the address, and of a form in the body.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: String,
}

impl Asked {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Option<Value> {
        self.header("content-type").starts_with("application/json").then(|| serde_json::from_str(&self.body).ok())?
    }
}

/// A status, a content type and a body.
pub type Answer = (u16, &'static str, String);

pub fn json(status: u16, body: Value) -> Answer {
    (status, "application/json", body.to_string())
}

pub fn text(status: u16, body: impl Into<String>) -> Answer {
    (status, "text/plain; charset=utf-8", body.into())
}

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    running: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Server {
    pub async fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (journal, answer) = (Arc::clone(&asked), Arc::new(answer));
        let router = Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let (journal, answer) = (Arc::clone(&journal), Arc::clone(&answer));
            async move {
                let body = String::from_utf8_lossy(&body).into_owned();
                let pairs = |text: &str| url::form_urlencoded::parse(text.as_bytes()).into_owned().collect::<Vec<_>>();
                let mut query = pairs(uri.query().unwrap_or_default());
                if headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/x-www-form-urlencoded") {
                    query.extend(pairs(&body));
                }
                let asked = Asked { method: method.to_string(), path: uri.path().to_owned(), query, headers, body };
                journal.lock().unwrap().push(asked.clone());
                let (status, kind, body) = answer(&asked);
                let response: Response = (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, kind)], body).into_response();
                response
            }
        });
        let running = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, asked, running }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Judges a filter of conditions with AND, OR and parentheses; `leaf` judges one condition.
pub fn judge(text: &str, leaf: &dyn Fn(&str) -> Result<bool, String>) -> Result<bool, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("an empty condition".to_owned());
    }
    let any = parts(text, " OR ")?;
    if any.len() > 1 {
        return any.into_iter().try_fold(false, |found, part| Ok(judge(part, leaf)? || found));
    }
    let all = parts(text, " AND ")?;
    if all.len() > 1 {
        return all.into_iter().try_fold(true, |found, part| Ok(judge(part, leaf)? && found));
    }
    match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => judge(inner, leaf),
        None => leaf(text),
    }
}

/// The parts of `text` between `word`s that stand outside of quotes and parentheses.
pub fn parts<'a>(text: &'a str, word: &str) -> Result<Vec<&'a str>, String> {
    let (mut depth, mut quote, mut start, mut out) = (0_i32, None, 0, Vec::new());
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, c) {
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, _) if depth == 0 && text[at..].starts_with(word) => {
                out.push(&text[start..at]);
                start = at + word.len();
            }
            _ => {}
        }
    }
    if depth != 0 || quote.is_some() {
        return Err(format!("unbalanced: {text}"));
    }
    out.push(&text[start..]);
    Ok(out)
}

/// What a quoted text says.
pub fn unquoted(text: &str) -> Result<String, String> {
    let text = text.trim();
    let quote = text.chars().next().filter(|c| *c == '"' || *c == '\'').ok_or_else(|| format!("a quoted text is wanted, not {text}"))?;
    let inner = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).ok_or_else(|| format!("unbalanced: {text}"))?;
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    Ok(out)
}
