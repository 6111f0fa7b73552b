//! Files out of a folder, a tar or a gzip, within limits; what cannot be taken becomes a sentence.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Component, Path},
};

use flate2::read::MultiGzDecoder;

/// How much one bundle may hold, decompressed. Source: the bundle contract, 2 GiB in all.
pub const TOTAL_LIMIT: u64 = 2 << 30;
/// How much of one file is read. Source: a day of one container's log at 6 kB/s is 500 MiB; more is a log archive, not evidence.
pub const FILE_LIMIT: u64 = 512 << 20;
/// A gzip that grows by more than this after its first 64 MiB is refused. Source: real logs reach 1:60, crafted bombs 1:1000.
const BOMB_RATIO: u64 = 200;
const BOMB_FLOOR: u64 = 64 << 20;
/// How many files are read. Source: a must-gather of a large cluster has some 20,000 files.
const FILE_COUNT_LIMIT: usize = 50_000;
/// How deep folders are followed.
const DEPTH_LIMIT: usize = 24;

/// What was taken so far, and the sentences about what was not.
#[derive(Debug)]
pub struct Intake {
    left: u64,
    files: usize,
    pub gaps: Vec<String>,
}

impl Default for Intake {
    fn default() -> Self {
        Self { left: TOTAL_LIMIT, files: 0, gaps: Vec::new() }
    }
}

impl Intake {
    /// Hands every file below `path` to `each`, in the order of their names: path inside the bundle, and content.
    ///
    /// # Errors
    /// When `path` itself cannot be opened.
    pub fn visit(&mut self, path: &Path, each: &mut dyn FnMut(&str, &[u8])) -> io::Result<()> {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_dir() {
            self.folder(path, path, 0, each);
            return Ok(());
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if is_tar_name(&name) {
            return self.archive(&name, File::open(path)?, each);
        }
        self.file(path, &name, each);
        Ok(())
    }

    fn folder(&mut self, root: &Path, folder: &Path, depth: usize, each: &mut dyn FnMut(&str, &[u8])) {
        if depth > DEPTH_LIMIT {
            self.gaps.push(format!("{} is nested too deeply and was not read", relative(root, folder)));
            return;
        }
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.gaps.push(format!("{} could not be listed: {error}", relative(root, folder)));
                return;
            }
        };
        let mut paths: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        paths.sort();
        for path in paths {
            let name = relative(root, &path);
            match std::fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => self.gaps.push(format!("{name} is a link and was not followed")),
                Ok(metadata) if metadata.is_dir() => self.folder(root, &path, depth + 1, each),
                Ok(metadata) if metadata.is_file() => self.file(&path, &name, each),
                Ok(_) => self.gaps.push(format!("{name} is no regular file and was not read")),
                Err(error) => self.gaps.push(format!("{name} could not be read: {error}")),
            }
        }
    }

    fn file(&mut self, path: &Path, name: &str, each: &mut dyn FnMut(&str, &[u8])) {
        let opened = match File::open(path) {
            Ok(file) => file,
            Err(error) => {
                self.gaps.push(format!("{name} could not be read: {error}"));
                return;
            }
        };
        if is_tar_name(name) {
            if let Err(error) = self.archive(name, opened, each) {
                self.gaps.push(format!("{name} is no readable archive: {error}"));
            }
            return;
        }
        self.content(name, &mut BufReader::new(opened), each);
    }

    fn archive(&mut self, name: &str, file: File, each: &mut dyn FnMut(&str, &[u8])) -> io::Result<()> {
        let mut reader = BufReader::new(file);
        let gzip = starts_with_gzip(&mut reader)?;
        let source: Box<dyn Read> = if gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
        // The cap also ends a bomb that is one endless member header.
        let mut archive = tar::Archive::new(source.take(TOTAL_LIMIT));
        let mut taken: Vec<(String, Vec<u8>)> = Vec::new();
        for entry in archive.entries()? {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.gaps.push(format!("{name} ends early: {error}"));
                    break;
                }
            };
            let path = entry.path().map(|path| path.into_owned()).unwrap_or_default();
            let inside = path.to_string_lossy().trim_start_matches("./").to_owned();
            if path.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
                self.gaps.push(format!("{name}: the entry {inside:?} points outside the archive and was refused"));
                continue;
            }
            let kind = entry.header().entry_type();
            if kind.is_symlink() || kind.is_hard_link() {
                self.gaps.push(format!("{inside} is a link and was not followed"));
                continue;
            }
            if !kind.is_file() {
                continue;
            }
            self.content(&inside, &mut entry, &mut |path, bytes| taken.push((path.to_owned(), bytes.to_vec())));
        }
        taken.sort();
        for (path, bytes) in &taken {
            each(path, bytes);
        }
        Ok(())
    }

    /// Reads one file's bytes, unzipping them where they are gzip, and hands them on.
    fn content(&mut self, name: &str, reader: &mut dyn Read, each: &mut dyn FnMut(&str, &[u8])) {
        self.files += 1;
        if self.files > FILE_COUNT_LIMIT {
            if self.files == FILE_COUNT_LIMIT + 1 {
                self.gaps.push(format!("more than {FILE_COUNT_LIMIT} files: the rest was not read"));
            }
            return;
        }
        let limit = self.left.min(FILE_LIMIT);
        let mut bytes = Vec::new();
        if let Err(error) = reader.take(limit).read_to_end(&mut bytes) {
            self.gaps.push(format!("{name} could not be read to its end: {error}"));
        }
        let mut inner = name.to_owned();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let (text, problem) = gunzip(&bytes, limit);
            if let Some(problem) = problem {
                self.gaps.push(format!("{name}: {problem}"));
            }
            bytes = text;
            inner = name.strip_suffix(".gz").unwrap_or(name).to_owned();
        }
        if bytes.len() as u64 >= limit {
            self.gaps.push(format!("{name} is larger than the limit: only its first {} MiB were read", limit >> 20));
        }
        self.left = self.left.saturating_sub(bytes.len() as u64);
        if !bytes.is_empty() {
            each(&inner, &bytes);
        }
    }
}

fn gunzip(bytes: &[u8], limit: u64) -> (Vec<u8>, Option<String>) {
    let bomb_limit = BOMB_FLOOR.max((bytes.len() as u64).saturating_mul(BOMB_RATIO));
    let mut text = Vec::new();
    match MultiGzDecoder::new(bytes).take(limit.min(bomb_limit)).read_to_end(&mut text) {
        Err(error) if text.is_empty() => (text, Some(format!("damaged gzip: {error}"))),
        Err(error) => (text, Some(format!("damaged gzip, read as far as it goes: {error}"))),
        Ok(_) if text.len() as u64 >= bomb_limit => {
            (text, Some(format!("unpacks to more than {BOMB_RATIO} times its size: only its beginning was read")))
        }
        Ok(_) => (text, None),
    }
}

fn starts_with_gzip(reader: &mut BufReader<File>) -> io::Result<bool> {
    use std::io::BufRead;
    Ok(reader.fill_buf()?.starts_with(&[0x1f, 0x8b]))
}

fn is_tar_name(name: &str) -> bool {
    [".tar", ".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end))
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
