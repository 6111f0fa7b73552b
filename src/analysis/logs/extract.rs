//! The thing that an error line is about: a host, a path, a variable, an exception.

use std::sync::OnceLock;

use regex::Regex;

/// A pattern that is compiled once; one that does not compile finds nothing.
macro_rules! pattern {
    ($text:expr) => {{
        static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
        PATTERN.get_or_init(|| Regex::new($text).ok()).as_ref()
    }};
}

/// The first group that took part in the first match.
fn group<'t>(pattern: Option<&Regex>, text: &'t str) -> Option<&'t str> {
    let found = pattern?.captures(text)?;
    found.iter().skip(1).flatten().next().map(|part| part.as_str())
}

/// `host:port`, a URL's host, or an address, in that order of preference.
pub fn target(text: &str) -> Option<String> {
    let host_port = pattern!(
        r"(?i)(?:^|[\s('\x22=/@\[,])((?:[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?:\d{2,5})(?:$|[:.](?:\s|$)|[^\d:.\w])"
    );
    let python = pattern!(r"host='([^']+)', port=(\d+)");
    let words = pattern!(
        r#"(?i)(?:host|server at|address|server|upstream:?)[ =:]+["'(]?([a-z0-9][a-z0-9.-]*[a-z0-9])["')]?,?(?: \([0-9a-f.:]+\),?)?(?:,? (?:and )?port[ =:]+(\d+))"#
    );
    for pair in [python, words].into_iter().flatten() {
        if let Some(found) = pair.captures(text)
            && let (Some(host), Some(port)) = (found.get(1), found.get(2))
        {
            return Some(format!("{}:{}", host.as_str(), port.as_str()));
        }
    }
    if let Some(url) = url(text) {
        return Some(url);
    }
    // `main.go:12` and `12:34` are no targets; of two addresses (`10.0.0.1:5->10.0.0.2:80`) the last one is the far end
    let is_file = |found: &str| {
        let host = found.split(':').next().unwrap_or("");
        host.bytes().all(|b| b.is_ascii_digit())
            || [".go", ".py", ".js", ".ts", ".java", ".rs", ".rb", ".cs", ".c", ".cpp", ".h", ".php", ".cc", ".kt"]
                .iter()
                .any(|end| host.ends_with(end))
    };
    let text = text.replace("->", " -> ");
    let found: Vec<String> = host_port
        .map(|pattern| {
            pattern
                .captures_iter(&text)
                .filter_map(|found| Some(found.get(1)?.as_str().to_owned()))
                .filter(|found| !is_file(found))
                .collect()
        })
        .unwrap_or_default();
    if text.contains(" -> ") { found.last().cloned() } else { found.first().cloned() }
}

/// The host, and port where there is one, of the first URL.
pub fn url(text: &str) -> Option<String> {
    let pattern = pattern!(r"(?i)\b[a-z][a-z0-9+.-]*://(?:[^\s/@]*@)?([a-z0-9][a-z0-9._-]*(?::\d+)?)")?;
    // a link to an explanation is no target
    let explains = |start: usize| {
        let before = text.get(text.floor_char_boundary(start.saturating_sub(32))..start).unwrap_or("").to_ascii_lowercase();
        ["see ", "this error at", "visit ", "more info", "documentation", "refer to"].iter().any(|word| before.contains(word))
    };
    let found = pattern.captures_iter(text).find(|found| found.get(0).is_some_and(|all| !explains(all.start())))?;
    Some(found.get(1)?.as_str().trim_end_matches('.').to_owned())
}

/// The name that does not resolve.
pub fn unresolved(text: &str) -> Option<String> {
    let patterns = [
        pattern!(r"(?i)failed to resolve:? '?([a-z0-9][\w.-]*\w)'?"),
        pattern!(
            r"(?i)(?:could not|couldn't|cannot|can't|unable to|failed to) (?:resolve|find address for|translate)(?: the)?(?: host ?name| host| address| hostname| name| dns)?:? [\x22']?([a-z0-9][\w.-]*\w)[\x22']?"
        ),
        pattern!(r"(?i)host not found(?: in [a-z]+)?:? [\x22']?([a-z0-9][\w.-]*\w)[\x22']?"),
        pattern!(r"(?i)lookup ([a-z0-9][\w.-]*\w)(?: on |:|$| )"),
        pattern!(r"(?:ENOTFOUND|EAI_AGAIN) ([\w][\w.-]*\w)"),
        pattern!(r"(?i)UnknownHostException:? (?:Failed to resolve '?)?([a-z0-9][\w.-]*\w)"),
        pattern!(r"host='([^']+)'"),
        pattern!(r"(?i)(?:host|name|hostname|domain)[ =:]+[\x22']?([a-z0-9][\w-]*(?:\.[\w-]+)*)[\x22']?"),
        pattern!(
            r"(?i)([a-z0-9][\w.-]*\w)(?::\d+)?: (?:Name or service not known|Temporary failure in name resolution|nodename nor servname)"
        ),
    ];
    let stop = [
        "resolution",
        "not",
        "name",
        "or",
        "error",
        "failed",
        "lookup",
        "service",
        "on",
        "the",
        "address",
        "information",
        "host",
        // The flags of a DNS answer, as a name server logs them.
        "qr",
        "aa",
        "tc",
        "rd",
        "ra",
        "ad",
        "cd",
        "nxdomain",
        "servfail",
        "noerror",
    ];
    patterns
        .into_iter()
        .filter_map(|pattern| group(pattern, text))
        .find(|name| !stop.contains(&name.to_ascii_lowercase().as_str()))
        .map(str::to_owned)
        .or_else(|| url(text))
}

/// The environment variable or key that is missing.
pub fn variable(text: &str) -> Option<String> {
    let patterns = [
        pattern!(
            r"(?i)\b(?:env(?:ironment)?[ _-]?(?:var(?:iable)?s?)?|variable|setting|config(?:uration)?(?: key| value)?|secret|key|property|parameter|option|field|flag)(?: named| is| of)?(?::|,|\b) ?[\x22'`$({]*([A-Za-z][A-Za-z0-9]*[_.-][A-Za-z0-9_.-]*[A-Za-z0-9]|(?-i:[A-Z][A-Z0-9]{2,}))[\x22'`)}]*"
        ),
        pattern!(r"(?i)placeholder ['\x22]?([\w.-]+)"),
        pattern!(r"[\x22'`$({]*\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b[\x22'`)}]*"),
        pattern!(r"KeyError: ['\x22]([^'\x22]+)['\x22]"),
        pattern!(r"(?i)(?:missing|required|undefined|unset|must set|not set)(?: required)?(?: \w+){0,2}:? [\x22'`]([\w.-]+)[\x22'`]"),
    ];
    patterns.into_iter().find_map(|pattern| group(pattern, text)).map(str::to_owned)
}

/// A path, absolute, relative with a suffix, or in quotes.
pub fn path(text: &str) -> Option<String> {
    let patterns = [
        pattern!(
            r#"(?:No such file or directory|no such file or directory|not found|ENOENT|EACCES|ermission denied|EROFS|ENOSPC)[^'"\n]{0,40}['"]([^'"\n]+)['"]"#
        ),
        pattern!(r"(?:^|[\s'\x22`(=:])((?:/[\w.@%+-]+)+/?)"),
        pattern!(r"(?:open|stat|mkdir|read|write|load(?:ing)?|find) ([\w./-]+\.\w{1,6}):"),
    ];
    patterns.into_iter().find_map(|pattern| group(pattern, text)).map(str::to_owned)
}

/// The user, role or account that is refused.
pub fn account(text: &str) -> Option<String> {
    let patterns = [
        pattern!(r#"(?i)(system:serviceaccount:[\w.-]+:[\w.-]+)"#),
        pattern!(r"(arn:aws:[\w:./+=@-]+)"),
        pattern!(r#"(?i)(?:user|role|principal|account|for)[ :=]+["'`]([^"'`\s]+)["'`]"#),
        pattern!(r"(?i)(?:user|role|principal) ([\w.@-]+)"),
    ];
    let stop = ["is", "or", "not", "for", "with", "does", "was", "in", "on", "has", "name", "account", "and", "pair", "the", "from", "who"];
    patterns
        .into_iter()
        .filter_map(|pattern| group(pattern, text))
        .find(|name| !stop.contains(&name.to_ascii_lowercase().as_str()))
        .map(str::to_owned)
}

/// The command that a shell or runtime does not find.
pub fn command(text: &str) -> Option<String> {
    let patterns = [
        pattern!(r#"exec: "([^"]+)""#),
        pattern!(r"(?i)command not found: ([\w./+-]+)"),
        pattern!(r"(?:^|: |\s)([\w./+-]+): (?:command )?not found"),
        pattern!(r"(?i)spawn ([\w./+-]+) ENOENT"),
        pattern!(r"'([\w./+-]+)' is not recognized"),
        pattern!(r"([\w./+-]+): No such file or directory"),
    ];
    patterns.into_iter().find_map(|pattern| group(pattern, text)).map(str::to_owned)
}

/// Something in quotes: a module, a table, a constraint.
pub fn quoted(text: &str) -> Option<String> {
    let text = text.replace("''", "").replace("\"\"", "");
    let patterns = [
        pattern!(r"(?i)(?:column|table|relation) ([\w.]+) does not exist"),
        pattern!(r"([\w.+-]+\.so(?:\.\d+)*): cannot open"),
        pattern!(r#""([^"\n]{1,80})"|'([^'\n]{1,80})'|`([^`\n]{1,80})`"#),
    ];
    patterns.into_iter().find_map(|pattern| group(pattern, &text)).map(str::to_owned)
}

/// A line that begins with an exception's full name: `java.lang.IllegalStateException: …`.
pub fn is_exception(line: &str) -> bool {
    let name = line.split([':', ' ']).next().unwrap_or("");
    name.contains('.') && ["Exception", "Error"].iter().any(|end| name.ends_with(end)) && !name.contains('/')
}

/// The exception's type, and its message.
pub fn exception(text: &str) -> Option<(String, String)> {
    let found = pattern!(r"(?:^|[\s:(\[])((?:[A-Za-z_][\w]*[.$:]{1,2})*[A-Z]\w*(?:Error|Exception|Warning|Fault|Interrupt|Exit|NotFound|Timeout)\b)(?::[ \t]*|[ \t]+-[ \t]+|$)([^\n]*)")?.captures(text)?;
    Some((found.get(1)?.as_str().to_owned(), found.get(2).map_or("", |part| part.as_str()).trim().to_owned()))
}

/// Milliseconds of every duration that a line reports as taken: `took 7.3 seconds`, `completed in 10.01s`, `duration=8123ms`.
pub fn taken(text: &str) -> Option<f64> {
    let found = pattern!(
        r"(?i)(?:took|taken|complet\w+|finish\w+|rendered|elapsed|duration|latency|slow|processed|handled|respon\w+|executed|spent|served|returned|done)(?:[_-]?(?:ms|sec|seconds|time))?\b[^\n]{0,40}?[ =:(]\x22?(\d+(?:\.\d+)?) ?(ms|milliseconds?|msec|s|secs?|seconds?|m|mins?|minutes?|us|µs)?\b"
    )?
    .captures(text)?;
    let number: f64 = found.get(1)?.as_str().parse().ok()?;
    let unit = found.get(2).map(|unit| unit.as_str().to_ascii_lowercase());
    let all = found.get(0)?.as_str().to_ascii_lowercase();
    let unit = match unit.as_deref() {
        Some(unit) => unit.to_owned(),
        None if all.contains("_ms") || all.contains("-ms") => "ms".to_owned(),
        None if all.contains("seconds") || all.contains("_sec") => "s".to_owned(),
        None => return None,
    };
    Some(match unit.as_bytes() {
        b"us" => number / 1e3,
        unit if unit.starts_with("µ".as_bytes()) => number / 1e3,
        [b'm', b's', ..] | b"milliseconds" | b"millisecond" => number,
        [b's', ..] => number * 1e3,
        _ => number * 60e3,
    })
}

/// A stored procedure, function or statement that a line names.
pub fn operation(text: &str) -> Option<String> {
    let patterns = [
        pattern!(r"(?i)(?:stored )?(?:procedure|proc|sproc)[ :='\x22`]+([\w.]*\w)"),
        pattern!(r"(?i)\b((?:sp|usp|proc|fn)_\w+)"),
        pattern!(r"(?i)\b(?:exec|execute|call)(?:ing)? ([\w.]+\w)\("),
        pattern!(r"(?i)\b((?:select|update|insert into|delete from|merge into) [^\n;]{3,80})"),
        pattern!(r"(?i)(?:operation|endpoint|method|route)(?:=|: ?)[\x22']?([\w./:-]{3,60})"),
    ];
    patterns.into_iter().find_map(|pattern| group(pattern, text)).map(|name| name.trim().to_owned())
}

/// At most `limit` characters on one line.
pub fn one_line(text: &str, limit: usize) -> String {
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(limit.saturating_sub(1)) {
        Some((at, _)) if flat.chars().count() > limit => format!("{}…", flat.get(..at).unwrap_or("")),
        _ => flat,
    }
}
