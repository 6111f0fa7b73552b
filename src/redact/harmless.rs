//! What stands behind `secret:` and is none: words of the sentence around it, placeholders, references to a secret kept elsewhere.

/// Words of the language around a name.
const WORDS: &[&str] = &[
    "a",
    "absent",
    "accepted",
    "access",
    "already",
    "an",
    "and",
    "any",
    "are",
    "array",
    "authenticated",
    "authentication",
    "bad",
    "bool",
    "boolean",
    "bytes",
    "cannot",
    "changed",
    "check",
    "closed",
    "configured",
    "connection",
    "context",
    "could",
    "couldn",
    "created",
    "default",
    "deleted",
    "denied",
    "deprecated",
    "dial",
    "disabled",
    "does",
    "empty",
    "enabled",
    "encrypted",
    "error",
    "exceeded",
    "exists",
    "expired",
    "expires",
    "failed",
    "failure",
    "false",
    "file",
    "for",
    "forbidden",
    "found",
    "from",
    "generated",
    "get",
    "has",
    "have",
    "hidden",
    "http",
    "ignored",
    "in",
    "incorrect",
    "insufficient",
    "int",
    "integer",
    "internal",
    "invalid",
    "is",
    "issued",
    "key",
    "loaded",
    "lookup",
    "malformed",
    "masked",
    "mismatch",
    "missing",
    "must",
    "never",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "number",
    "object",
    "ok",
    "omitted",
    "only",
    "open",
    "operation",
    "optional",
    "or",
    "permission",
    "please",
    "present",
    "provided",
    "read",
    "received",
    "redacted",
    "refreshed",
    "refused",
    "rejected",
    "renewed",
    "replaced",
    "request",
    "required",
    "response",
    "revoked",
    "rotated",
    "secret",
    "server",
    "set",
    "should",
    "signature",
    "stale",
    "status",
    "str",
    "string",
    "succeeded",
    "success",
    "support",
    "text",
    "the",
    "this",
    "timed",
    "timeout",
    "too",
    "true",
    "type",
    "unable",
    "unauthorized",
    "undefined",
    "unexpected",
    "unknown",
    "unset",
    "unsupported",
    "updated",
    "used",
    "user",
    "using",
    "valid",
    "value",
    "verified",
    "was",
    "were",
    "while",
    "with",
    "wrong",
    "you",
    "your",
];

/// How references to values kept elsewhere begin.
const REFERENCES: &[&str] = &[
    "${",
    "$(",
    "$[",
    "{{",
    "%(",
    "process.env",
    "os.environ",
    "os.getenv",
    "env.",
    "env[",
    "vault:",
    "arn:aws",
    "ref+",
    "file:",
    "map[",
    "valuefrom",
    "secretkeyref",
    "op://",
    "projects/",
    "ssm:",
];

/// Folders in which mounted secrets, home folders and configuration lie.
const FOLDERS: &[&str] = &[
    "var", "run", "etc", "home", "opt", "tmp", "usr", "mnt", "root", "secrets", "vault", "app", "dev", "proc", "srv", "data", "config",
    "users",
];

/// Whether a value under a telling name is no secret. `alone` is set where the value was quoted or a whole field.
pub(super) fn value(name: &str, value: &str, soft: bool, alone: bool) -> bool {
    let first = value.split_whitespace().next().unwrap_or_default();
    let single = first.len() == value.trim().len();
    if value.len() < 4 || placeholder(value) {
        return true;
    }
    // `token: KeyError: …`: what ends in a colon announces something and is no secret.
    if first.ends_with(':') && !(alone && single) {
        return true;
    }
    if word(first) || path(value) || first.ends_with("()") || (soft && value.len() < 6 && value.bytes().all(|byte| byte.is_ascii_digit())) {
        return true;
    }
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    // `--tls-secret=webhook-cert`: the name of a Secret of the cluster, in the letters that such names have.
    let object = ["tls-secret", "pull-secret", "cert-secret", "tlssecret", "pullsecret"].iter().any(|end| name.ends_with(end));
    (object && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')))
        || (matches!(name.as_str(), "pwd" | "oldpwd") && value.starts_with(['/', '~']))
}

/// Whether this is an ordinary word that follows a name in a sentence.
pub(super) fn word(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    // `couldn't`, `not_found` and `missing,` begin with the word.
    let head = bare.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let is = |word: &str| word.len() <= 14 && WORDS.binary_search(&word.to_ascii_lowercase().as_str()).is_ok();
    is(bare)
        || (matches!(head.to_ascii_lowercase().as_str(), "not" | "couldn" | "isn" | "doesn" | "can")
            && bare.len() <= 14
            && !bare.bytes().any(|byte| byte.is_ascii_digit()))
}

/// Whether the text only marks the place of a secret: `***`, `<token>`, `${TOKEN}`, `%s`.
pub(super) fn placeholder(text: &str) -> bool {
    let text = text.trim();
    let lower: String = text.chars().take(16).collect::<String>().to_ascii_lowercase();
    let inside = |open: char, close: char| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    text.chars().all(|c| matches!(c, '*' | '•' | '.' | '-' | '#' | '…' | '?'))
        || text.bytes().all(|byte| byte.eq_ignore_ascii_case(&b'x'))
        || inside('<', '>').is_some_and(|word| word.len() <= 40 && word.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '_' | '-')))
        || ["[", "(", "<", "__", "%5b"].iter().any(|open| lower.strip_prefix(open).is_some_and(hidden))
        || hidden(&lower) && text.len() <= 12
        || text.strip_prefix('$').is_some_and(|name| {
            name.len() <= 64
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
                && name.starts_with(|c: char| c.is_ascii_uppercase())
        })
        || matches!(lower.as_str(), "%s" | "%v" | "%q" | "{}" | "{:?}" | "%+v")
        || REFERENCES.iter().any(|start| lower.starts_with(start))
}

/// What other redactors leave.
fn hidden(lower: &str) -> bool {
    ["redacted", "filtered", "masked", "hidden", "removed", "sensitive"].iter().any(|word| lower.starts_with(word))
}

/// Whether the text is the path of a file.
fn path(text: &str) -> bool {
    let mut folders = text.trim_start_matches('~').strip_prefix('/').unwrap_or_default().split('/');
    let known = folders.next().is_some_and(|first| FOLDERS.contains(&first.to_ascii_lowercase().as_str()));
    known && folders.next().is_some_and(|second| !second.is_empty())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_words_are_in_order() {
        assert!(super::WORDS.is_sorted(), "binary search needs order");
    }
}
