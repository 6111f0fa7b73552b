//! Which lines continue the record before them: stack traces of Java, Python, Go, Node, .NET and Rust.

/// The kind of trace that the current record is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trace {
    #[default]
    None,
    /// Frames until the first line that is not indented, which names the exception.
    Python,
    /// Everything until a line that looks like neither a frame nor a goroutine's head.
    Go,
    /// `thread 'main' panicked at …`: the next line is the message.
    Rust,
}

/// Whether `line`, which has no header of a logger, belongs to the record before it. `after` is updated.
pub fn continues(line: &str, after: &mut Trace, previous: &str) -> bool {
    let trimmed = line.trim_start();
    let indented = trimmed.len() < line.len();
    match *after {
        Trace::Python => {
            if indented || trimmed.is_empty() || trimmed.starts_with("Traceback (most recent call last)") || is_bridge(trimmed) {
                return true;
            }
            // the exception itself; another trace may hang on it
            *after = Trace::None;
            return true;
        }
        Trace::Go => {
            let frame = indented
                || trimmed.starts_with("goroutine ")
                || trimmed.starts_with("created by ")
                || trimmed.ends_with(')')
                || trimmed.starts_with("[signal ");
            if frame {
                return true;
            }
            *after = Trace::None;
        }
        Trace::Rust => {
            *after = Trace::None;
            return true;
        }
        Trace::None => {}
    }
    if indented && is_dotnet_head(previous) {
        return true;
    }
    if starts_python(trimmed) {
        *after = Trace::Python;
        return opens_after(previous);
    }
    if is_bridge(trimmed) || is_cause(trimmed) {
        return true;
    }
    is_frame(trimmed, indented)
}

/// `Acme.Worker[0]`: the console of .NET puts the category on a line of its own and the message below it.
fn is_dotnet_head(previous: &str) -> bool {
    let first = previous.lines().next().unwrap_or("");
    first.split_once('[').is_some_and(|(name, rest)| {
        let id = rest.strip_suffix(']').unwrap_or("");
        name.contains('.') && !name.contains([' ', '/', ':']) && !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())
    })
}

/// The trace that a line opens by itself.
pub fn opened(message: &str) -> Trace {
    let trimmed = message.trim_start();
    if starts_python(trimmed) {
        Trace::Python
    } else if trimmed.starts_with("panic: ") || trimmed.starts_with("fatal error: ") || trimmed.starts_with("goroutine ") {
        Trace::Go
    } else if trimmed.starts_with("thread '") && trimmed.contains("panicked at ") && trimmed.ends_with(':') {
        Trace::Rust
    } else {
        Trace::None
    }
}

/// `java.lang.IllegalStateException: …`, `System.NullReferenceException: …` at the start of a line.
pub fn names_exception(line: &str) -> bool {
    let name = line.split([':', ' ']).next().unwrap_or("");
    name.contains('.')
        && ["Exception", "Error"].iter().any(|end| name.ends_with(end))
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'$' | b'_'))
}

/// A frame of a stack, which tells less than the lines around it.
pub fn is_frame(trimmed: &str, indented: bool) -> bool {
    let java = indented && (trimmed.starts_with("at ") || trimmed.starts_with("... "));
    let python = indented && trimmed.starts_with("File \"");
    java || python || (indented && (trimmed.starts_with("--- End of") || trimmed.starts_with("Suppressed: ")))
}

fn is_cause(trimmed: &str) -> bool {
    trimmed.starts_with("Caused by: ")
        || trimmed.starts_with("Caused by:")
        || trimmed.starts_with("note: run with `RUST_BACKTRACE")
        || trimmed.starts_with("stack backtrace:")
}

fn is_bridge(trimmed: &str) -> bool {
    trimmed.starts_with("During handling of the above exception") || trimmed.starts_with("The above exception was the direct cause")
}

fn starts_python(trimmed: &str) -> bool {
    trimmed.starts_with("Traceback (most recent call last)")
}

/// A trace belongs to the line before it when that line announces it.
fn opens_after(previous: &str) -> bool {
    let first = previous.lines().next().unwrap_or("");
    let lower = first.to_ascii_lowercase();
    ["error", "exception", "fail", "fatal", "unhandled", "critical"].iter().any(|word| lower.contains(word))
}
