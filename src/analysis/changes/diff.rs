//! A diff as its hunks: which lines went, which came, in which file.

/// The most lines of one diff that are read.
const MOST_LINES: usize = 4_000;

/// One line of a hunk, without its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    Removed(&'a str),
    Added(&'a str),
    Same(&'a str),
}

/// Lines that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// The path, as far as the diff says it.
    pub file: &'a str,
    pub lines: Vec<Line<'a>>,
}

impl<'a> Hunk<'a> {
    pub fn removed(&self) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(|line| if let Line::Removed(text) = line { Some(*text) } else { None })
    }

    pub fn added(&self) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(|line| if let Line::Added(text) = line { Some(*text) } else { None })
    }

    /// Tests and documents change nothing that runs.
    pub fn is_test(&self) -> bool {
        super::is_inert(self.file)
    }
}

/// The hunks of a unified diff, or of one that only names its file after `@@`.
pub fn hunks(diff: &str) -> Vec<Hunk<'_>> {
    let mut out: Vec<Hunk<'_>> = vec![Hunk { file: "", lines: Vec::new() }];
    let mut file = "";
    for line in diff.lines().take(MOST_LINES) {
        if let Some(path) = line.strip_prefix("+++ ") {
            file = path.trim_start_matches("b/").split('\t').next().unwrap_or(path);
        } else if let Some(rest) = line.strip_prefix("diff --git a/") {
            file = rest.split(" b/").next().unwrap_or(rest);
        } else if line.starts_with("--- ") || line.starts_with("index ") {
        } else if let Some(rest) = line.strip_prefix("@@") {
            // `@@ path/to/file.go: func name @@`, as some tools shorten it.
            let named = rest.trim().split([':', ' ', '@']).next().unwrap_or("");
            if named.contains('.') || named.contains('/') {
                file = named;
            }
            out.push(Hunk { file, lines: Vec::new() });
        } else if let Some(hunk) = out.last_mut() {
            if hunk.file.is_empty() {
                hunk.file = file;
            }
            hunk.lines.push(match (line.strip_prefix('-'), line.strip_prefix('+')) {
                (Some(removed), _) => Line::Removed(removed),
                (_, Some(added)) => Line::Added(added),
                _ => Line::Same(line),
            });
        }
    }
    out.retain(|hunk| hunk.lines.iter().any(|line| !matches!(line, Line::Same(_))));
    out
}
