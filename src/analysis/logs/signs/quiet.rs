//! Lines that hold words of failure and tell of none.

/// Quoted code, a page that nobody has, strangers at the door: nothing that the program failed at.
pub fn is_no_trouble(text: &str) -> bool {
    is_no_message(text) || is_missing_page(text) || is_stranger(text) || is_passed_test(text) || is_answered_query(text)
}

/// A name server's log of what it was asked and what it answered: that a name does not exist is an answer. Source: CoreDNS' `log` plugin.
fn is_answered_query(text: &str) -> bool {
    (text.contains(" udp ") || text.contains(" tcp "))
        && text.contains(" IN ")
        && (text.contains(" NXDOMAIN ") || text.contains(" NOERROR "))
}

/// Somebody on the internet who tries passwords.
fn is_stranger(text: &str) -> bool {
    text.contains("[preauth]") || text.contains("for invalid user ")
}

/// The name of a test or of a check that went well.
fn is_passed_test(text: &str) -> bool {
    let line = text.trim_end();
    if !line.contains('\n') && ["check passed", "check succeeded", "check ok", "checks passed"].iter().any(|end| line.ends_with(end)) {
        return true;
    }
    !line.contains('\n')
        && ((line.starts_with("test ") && line.ends_with("... ok"))
            || line.starts_with("PASS")
            || line.trim_start().starts_with(['✓', '✔']))
}

/// A web server that was asked for a page that it does not have.
fn is_missing_page(text: &str) -> bool {
    text.contains("(2: No such file or directory), client: ") || text.contains("File does not exist: ") || text.contains("AH00128")
}

/// Source code that a log quotes, and what kubectl says about the fetching of a log.
fn is_no_message(text: &str) -> bool {
    const CODE: &[&str] = &[
        "except ",
        "raise ",
        "throw new ",
        "catch (",
        "} catch",
        "import ",
        "from server (",
        "Error from server",
        "error: Metrics API",
        "echo ",
        "+ echo",
        "if: ",
        "run: ",
        "hint: ",
    ];
    let line = text
        .lines()
        .next()
        .unwrap_or("")
        .trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || matches!(c, '|' | '+' | '-' | '>'));
    // What kubectl could not apply is what a job failed at; a log that it could not fetch is not.
    let refused = line.contains("error when ") || line.contains("is forbidden: ");
    !refused && !text.contains('\n') && CODE.iter().any(|start| line.starts_with(start))
}

/// The line says itself that the program went on without what it missed.
pub fn is_handled(text: &str, stated_calm: bool) -> bool {
    const ANY: &[&str] = &[
        "using default",
        "use default",
        "defaulting to",
        "falling back to default",
        "(expected",
        "as expected",
        "(ignored",
        "can be ignored",
    ];
    const CALM: &[&str] =
        &["skipping", "skipped", "ignor", "optional", "fallback", "falling back", "retry policy", "succeeded", "not an error"];
    let lower = text.lines().next().unwrap_or("").to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    says(ANY) || (stated_calm && says(CALM))
}

/// `0 errors`, `no error`, `error_rate=0`: words of failure in lines of success.
pub fn without_negations(lower: &str) -> String {
    const QUIET: &[&str] = &[
        "0 error",
        "no error",
        "zero error",
        "without error",
        "0 failed",
        "0 failure",
        "no failure",
        "failed: 0",
        "failed=0",
        "failures: 0",
        "errors: 0",
        "errors=0",
        "error=nil",
        "error=null",
        "error: null",
        "error=none",
        "err=nil",
        "/error",
        "error_rate=0",
        "on error",
        "error handler",
    ];
    if !QUIET.iter().any(|phrase| lower.contains(phrase)) {
        return lower.to_owned();
    }
    let mut out = lower.to_owned();
    for phrase in QUIET {
        let mut from = 0;
        while let Some(at) = out.get(from..).and_then(|rest| rest.find(phrase)).map(|at| at + from) {
            // `10 errors` holds `0 errors`, and `validation error` holds `on error`: both say the contrary
            let starts = phrase.bytes().next().filter(u8::is_ascii_alphanumeric);
            let before = at.checked_sub(1).and_then(|before| out.as_bytes().get(before));
            let inside_a_word = starts.is_some_and(|first| {
                before.is_some_and(|b| if first.is_ascii_digit() { b.is_ascii_digit() } else { b.is_ascii_alphanumeric() })
            });
            // `Failure/Error:` is a heading, `/error` a path.
            let heading = *phrase == "/error" && out.as_bytes().get(at + phrase.len()) == Some(&b':');
            if !inside_a_word && !heading {
                out.replace_range(at..at + phrase.len(), "");
                from = at;
            } else {
                from = at + 1;
            }
        }
    }
    out
}
