//! The examples that come with the program, moved in time so that they happen now.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use regex::Regex;
use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

/// The example that is played when nobody chooses one.
pub const FIRST: &str = "memory-limit";
/// How long before now an example's newest moment is put.
const JUST_NOW: SignedDuration = SignedDuration::from_secs(20);

#[derive(RustEmbed)]
#[folder = "config/bundles"]
struct Examples;

/// A timestamp as it stands in the examples' files: the fraction and the zone stay as they are.
static TIMESTAMP: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b(\d{4}-\d{2}-\d{2})([T ])(\d{2}:\d{2}:\d{2})").ok());

/// One example, unpacked into a folder that goes away with it.
pub struct Scenario {
    folder: TempDir,
    pub bot_name: String,
    pub message: Value,
}

#[derive(Deserialize)]
struct Post {
    bot_name: String,
    message: Value,
}

impl Scenario {
    /// The examples' names.
    pub fn names() -> Vec<String> {
        let mut names: Vec<String> = Examples::iter().filter_map(|path| path.strip_suffix("/slack.json").map(str::to_owned)).collect();
        names.sort();
        names
    }

    /// Writes the example's files into a fresh folder, every time in them moved so that the newest is just before `now`.
    pub fn unpack(name: &str, now: Timestamp) -> anyhow::Result<Self> {
        if !Self::names().iter().any(|known| known == name) {
            bail!("there is no example `{name}`; there are {}", Self::names().join(", "));
        }
        let prefix = format!("{name}/");
        let files: Vec<(String, String)> = Examples::iter()
            .filter(|path| path.starts_with(&prefix))
            .filter_map(|path| {
                Some((path.strip_prefix(&prefix)?.to_owned(), String::from_utf8(Examples::get(&path)?.data.into_owned()).ok()?))
            })
            .collect();
        let newest = files.iter().filter(|(path, _)| path.starts_with("bundle/")).flat_map(|(_, text)| instants(text)).max();
        let shift = newest.map_or(SignedDuration::ZERO, |newest| now.duration_since(newest) - JUST_NOW);
        let shift = SignedDuration::from_secs(shift.as_secs());
        let folder = tempfile::Builder::new().prefix("sre-agent-demo-").tempdir().context("cannot make a temporary folder")?;
        let mut post = None;
        for (path, text) in files {
            let text = moved(&text, shift);
            if path == "slack.json" {
                post = Some(serde_json::from_str::<Post>(&text).context("the example's post")?);
            } else {
                write(&folder.path().join(&path), &text)?;
            }
        }
        let post = post.context("the example has no post")?;
        Ok(Self { folder, bot_name: post.bot_name, message: post.message })
    }

    /// The folder of this run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

fn instants(text: &str) -> Vec<Timestamp> {
    let Some(pattern) = TIMESTAMP.as_ref() else { return Vec::new() };
    pattern.captures_iter(text).filter_map(|found| civil(&found)?.to_zoned(TimeZone::UTC).ok()).map(|zoned| zoned.timestamp()).collect()
}

fn moved(text: &str, shift: SignedDuration) -> String {
    let Some(pattern) = TIMESTAMP.as_ref() else { return text.to_owned() };
    pattern
        .replace_all(text, |found: &regex::Captures<'_>| {
            let whole = found.get(0).map_or("", |group| group.as_str());
            let between = found.get(2).map_or("T", |group| group.as_str());
            match civil(found).and_then(|at| at.checked_add(shift).ok()) {
                Some(at) => at.strftime(&format!("%Y-%m-%d{between}%H:%M:%S")).to_string(),
                None => whole.to_owned(),
            }
        })
        .into_owned()
}

fn civil(found: &regex::Captures<'_>) -> Option<DateTime> {
    format!("{}T{}", found.get(1)?.as_str(), found.get(3)?.as_str()).parse().ok()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::moved;

    #[test]
    fn times_move_and_keep_their_shape() {
        let text = r#"{"t":{"$date":"2026-01-15T23:59:50.123+00:00"}} 2026-01-15 23:59:50 INFO build 2026-01-15"#;
        let expected = r#"{"t":{"$date":"2026-01-16T00:00:10.123+00:00"}} 2026-01-16 00:00:10 INFO build 2026-01-15"#;
        assert_eq!(moved(text, SignedDuration::from_secs(20)), expected);
    }
}
