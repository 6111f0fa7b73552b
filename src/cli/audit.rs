//! `sre-agent audit`: look whether the log is whole, and hand it out.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;

use super::runtime::block_on;
use crate::{
    config,
    store::{self, Anchor, Embedded, Store as _},
};

/// How many lines are read at once.
const PAGE: usize = 1000;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Go through the whole log: an edit, a deletion, another order and, with an anchor, lines that were cut off are found
    Verify {
        #[command(flatten)]
        store: Place,
        /// A file of anchors, as `audit.anchor_file` in the settings has it written
        #[arg(long, value_name = "FILE")]
        anchors: Option<PathBuf>,
        /// An anchor that was kept elsewhere, like 17:4f2a…
        #[arg(long, value_name = "ANCHOR")]
        anchor: Vec<Anchor>,
    },
    /// The log as JSON lines
    Export {
        #[command(flatten)]
        store: Place,
        /// Only the lines after this one
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: u64,
    },
    /// The anchor of the log as it is now, to be kept elsewhere
    Anchor {
        #[command(flatten)]
        store: Place,
    },
}

/// Where the store is.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// The settings file; without it config/settings.yaml, or the built-in settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The store's file, in place of the one that the settings name
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
}

impl Place {
    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// As [`Place::open`]; a store that is not there yet is made.
    pub fn open_or_make(&self) -> anyhow::Result<Embedded> {
        let path = match &self.store {
            Some(path) => path.clone(),
            None => config::load_store(self.config(), &config::environment())?.0,
        };
        Ok(Embedded::open(&path)?)
    }

    /// The store and the file of anchors that the settings name.
    pub fn open(&self) -> anyhow::Result<(Embedded, Option<PathBuf>)> {
        let (path, anchors) = match &self.store {
            Some(path) => (path.clone(), None),
            None => config::load_store(self.config.as_deref(), &config::environment())?,
        };
        anyhow::ensure!(path.is_file(), "{}: there is no store", path.display());
        Ok((Embedded::open(&path)?, anchors))
    }
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify { store, anchors, anchor } => {
            let (store, usual) = store.open()?;
            let mut known = anchor;
            if let Some(file) = anchors.or(usual.filter(|file| file.is_file())) {
                known.extend(read_anchors(&file)?);
            }
            block_on(verify(&store, &known))
        }
        Command::Export { store, after } => {
            let (store, _) = store.open()?;
            block_on(export(&store, after))
        }
        Command::Anchor { store } => {
            let (store, _) = store.open()?;
            block_on(async {
                let head = whole(store::audit::verify(&store, &[]).await?)?.head;
                let head = head.context("the log is empty: there is nothing to anchor")?;
                super::print(&format!("{head}\n"))?;
                Ok(ExitCode::SUCCESS)
            })
        }
    }
}

/// Anchors, one a line: as JSON or as `sequence:hash`.
fn read_anchors(file: &Path) -> anyhow::Result<Vec<Anchor>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let read = serde_json::from_str::<Anchor>(line).ok().map_or_else(|| line.parse::<Anchor>(), Ok);
            read.map_err(|error| anyhow::anyhow!("{}, line {}: {error}", file.display(), at + 1))
        })
        .collect()
}

fn whole(judged: Result<store::audit::Whole, store::audit::Broken>) -> anyhow::Result<store::audit::Whole> {
    judged.map_err(|broken| anyhow::anyhow!("the audit log is NOT whole: {broken}"))
}

async fn verify(store: &Embedded, anchors: &[Anchor]) -> anyhow::Result<ExitCode> {
    let found = whole(store::audit::verify(store, anchors).await?)?;
    let head = found.head.map_or_else(|| "it is empty".to_owned(), |head| format!("its anchor is {head}"));
    let anchored = match (anchors.is_empty(), found.anchored) {
        (true, _) => "no anchor was given, so lines that were cut off together with the store's own count would not show".to_owned(),
        (false, 0) => "none of the anchors is older than the log".to_owned(),
        (false, at) => format!("it holds every anchor, the newest at line {at}"),
    };
    super::print(&format!("The audit log is whole: {} lines; {head}; {anchored}.\n", found.lines))?;
    Ok(ExitCode::SUCCESS)
}

async fn export(store: &Embedded, mut after: u64) -> anyhow::Result<ExitCode> {
    loop {
        let page = store.audit_lines(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(ExitCode::SUCCESS) };
        after = last.sequence;
        let text: String = page.iter().map(|line| line.to_json() + "\n").collect();
        super::print(&text)?;
    }
}
