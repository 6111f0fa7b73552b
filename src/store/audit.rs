//! The audit log's chain: each line carries a hash over the line before it and itself, so that an edit, a deletion or another
//! order shows. Lines that are cut off at the end show against an anchor: a head of the chain that was kept elsewhere.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Result, Store};
use crate::model::AuditEntry;

/// How many lines are read at once.
const PAGE: usize = 1000;
/// What stands before the first line.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditLine {
    /// Counts from 1, without gaps.
    pub sequence: u64,
    /// SHA-256 over the previous line's hash, the sequence and the text, in hex.
    pub hash: String,
    /// The entry's JSON, to the byte as it was hashed.
    pub text: String,
}

impl AuditLine {
    /// The entry; `None` when the text is none, which only an edit can bring about.
    pub fn entry(&self) -> Option<AuditEntry> {
        serde_json::from_str(&self.text).ok()
    }

    /// As one line of an export: sequence, hash and the entry's fields.
    pub fn to_json(&self) -> String {
        let entry = serde_json::from_str(&self.text).unwrap_or_else(|_| serde_json::Value::String(self.text.clone()));
        serde_json::json!({"sequence": self.sequence, "hash": self.hash, "entry": entry}).to_string()
    }
}

/// A head of the chain, kept outside of the store: `17:4f2a…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    pub sequence: u64,
    pub hash: String,
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("`{}` is no anchor: it looks like 17:<64 hexadecimal digits>", text.chars().take(80).collect::<String>());
        let (sequence, hash) = text.trim().split_once(':').ok_or_else(wrong)?;
        let hash = hash.to_ascii_lowercase();
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        Ok(Self { sequence: sequence.parse().map_err(|_| wrong())?, hash })
    }
}

/// The hash of the line `text` after a line with the hash `previous`.
pub fn link(previous: &str, sequence: u64, text: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(previous.as_bytes());
    hasher.update(sequence.to_be_bytes());
    hasher.update(text.as_bytes());
    hex::encode(hasher.finalize())
}

/// What is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("line {0} was changed: its text does not belong to its hash, or the line before it is another one")]
    Changed(u64),
    #[error("line {0} is missing: it was taken out, or the lines were put into another order")]
    Missing(u64),
    #[error("the log ends at line {last}, and line {known} was there: lines were cut off at its end")]
    CutOff { last: u64, known: u64 },
    #[error("line {0} is not the one that was anchored: the log was written anew")]
    Rewritten(u64),
}

/// A log that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    pub lines: u64,
    pub head: Option<Anchor>,
    /// The newest anchor that was found in it.
    pub anchored: u64,
}

/// Goes through the whole log, and looks for each anchor in it.
///
/// # Errors
/// When the store fails; what is wrong with the log is the inner result.
pub async fn verify(store: &dyn Store, anchors: &[Anchor]) -> Result<std::result::Result<Whole, Broken>> {
    let mut head = Anchor { sequence: 0, hash: GENESIS.to_owned() };
    let mut anchored = 0;
    loop {
        let page = store.audit_lines(head.sequence, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for line in page {
            if line.sequence != head.sequence + 1 {
                return Ok(Err(Broken::Missing(head.sequence + 1)));
            }
            if link(&head.hash, line.sequence, &line.text) != line.hash {
                return Ok(Err(Broken::Changed(line.sequence)));
            }
            for anchor in anchors.iter().filter(|anchor| anchor.sequence == line.sequence) {
                if anchor.hash != line.hash {
                    return Ok(Err(Broken::Rewritten(line.sequence)));
                }
                anchored = anchor.sequence;
            }
            head = Anchor { sequence: line.sequence, hash: line.hash };
        }
    }
    // The store counts the lines that it was ever given; an anchor knows it from outside.
    let counted = store.audit_count().await?;
    let known = anchors.iter().map(|anchor| anchor.sequence).chain([counted]).max().unwrap_or(0);
    if known > head.sequence {
        return Ok(Err(Broken::CutOff { last: head.sequence, known }));
    }
    let lines = head.sequence;
    Ok(Ok(Whole { lines, head: (lines > 0).then_some(head), anchored }))
}
