//! What people paste: a terminal session with its prompts, a Markdown fence, a block that is indented as a whole.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

/// Without the fences of Markdown around it and without the indentation that all lines have.
pub fn plain(text: &str) -> Cow<'_, str> {
    let is_fence = |line: &str| line.trim_start().starts_with("```");
    let fenced = first(text).is_some_and(is_fence);
    let lines = || text.lines().filter(|line| !fenced || !is_fence(line));
    let indent =
        lines().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
    if !fenced && indent == 0 {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for line in lines() {
        out.push_str(line.get(indent..).unwrap_or_default());
        out.push('\n');
    }
    Cow::Owned(out)
}

fn first(text: &str) -> Option<&str> {
    text.lines().find(|line| !line.trim().is_empty())
}

/// The answers of a terminal session, one by one; `None` where it does not begin with a prompt and a cluster command.
pub fn session(text: &str) -> Option<Vec<String>> {
    static PROMPT: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^(?:\S{1,60}@\S{1,60}\s?)?(?:[~\w./\[\]() -]{0,60})?[$#❯➜] ?(?:sudo )?(?:kubectl|oc|k) [a-z]").ok());
    let prompt = PROMPT.as_ref()?;
    let is_prompt = |line: &str| (line.contains("kubectl ") || line.contains("oc ") || line.contains("k ")) && prompt.is_match(line);
    // A log may quote a command anywhere; a session begins with one.
    if !first(text).is_some_and(is_prompt) {
        return None;
    }
    let mut parts = vec![String::new()];
    for line in text.lines() {
        if is_prompt(line) {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_cut_at_its_prompts() {
        let text = "$ kubectl get pods\nNAME READY\nme@host:~/x$ kubectl get events -n shop\nLAST SEEN\n";
        assert_eq!(session(text), Some(vec!["NAME READY\n".to_owned(), "LAST SEEN\n".to_owned()]));
        assert_eq!(session("2025-03-03 ERROR kubectl get pods failed\n"), None);
    }

    #[test]
    fn fences_and_common_indentation_go() {
        assert_eq!(plain("```text\nName: a\n  b\n```\n"), "Name: a\n  b\n");
        assert_eq!(plain("    Name: a\n      b\n"), "Name: a\n  b\n");
        assert_eq!(plain("Name: a\n"), "Name: a\n");
    }
}
