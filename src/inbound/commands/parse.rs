//! A command's text to what is meant, without any I/O. What is not understood becomes a sentence that says how to say it.

use crate::{
    model::{Act, IncidentId, RunId, is_slack_user, nearest},
    report::COMMANDS,
};

/// How long a silence lasts when no time is given.
const SILENCE_SECONDS: u64 = 3600;
/// A silence is never shorter than this: shorter ones are typing errors.
const SILENCE_LEAST: u64 = 60;
/// A silence is never longer than this: what nobody wants to hear of for longer is not an alert.
const SILENCE_MOST: u64 = 30 * 86_400;
/// How far back the figures go when nothing is said, in days: four weeks.
const STATS_DAYS: i64 = 28;
/// More days hold more incidents than one answer can count.
const STATS_DAYS_MAX: i64 = 366;
/// So many edits away from a command is a typing error of it.
const TYPING_ERROR: usize = 2;
/// A reason or question longer than this is cut: Slack's own limit for a command's text is about that.
const TEXT_MAX: usize = 2000;

/// Which incident: its number, or the one that is meant without saying.
pub type Reference = Option<IncidentId>;

/// Which incidents to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Open,
    All,
    Mine,
    Service(String),
}

/// What a person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Help,
    Status,
    Incidents(Which),
    Show(Reference),
    Investigate(String),
    Act(Act, Reference),
    Why(Reference),
    Similar(Reference),
    Handoff,
    Postmortem {
        of: Reference,
        markdown: bool,
    },
    Stats {
        days: i64,
    },
    Runbook(Reference),
    /// The runs of runbooks.
    Runs,
    /// A runbook is to be prepared: its id, the incident, and values by parameter.
    Run {
        runbook: String,
        of: Reference,
        values: Vec<(String, String)>,
    },
    /// Yes or no to a run, by its id and the first digits of its hash.
    Decide {
        run: RunId,
        approves: bool,
        hash: String,
    },
    OnCall,
    Doctor,
}

/// Reads the text after `/sre`; `user` is who typed it, for `me`. The error is a sentence for that person.
///
/// # Errors
/// When the text names no command, or what follows the command makes no sense there.
pub fn parse(text: &str, user: &str) -> Result<Command, String> {
    let text: String = text.trim().chars().take(TEXT_MAX).collect();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    let rest = rest.trim();
    // `/sre INC-42` shows it.
    if let (Some(id), true) = (reference(word), rest.is_empty()) {
        return Ok(Command::Show(Some(id)));
    }
    let word = word.to_lowercase();
    let command = match word.as_str() {
        "" | "help" | "?" => Command::Help,
        "status" => nothing(&word, rest, Command::Status)?,
        "incidents" | "list" => Command::Incidents(which(rest)),
        "show" => Command::Show(one(&word, rest)?),
        "investigate" | "analyze" | "ask" => investigate(rest)?,
        "ack" | "acknowledge" => Command::Act(Act::Acknowledge, one(&word, rest)?),
        "unack" => Command::Act(Act::Unacknowledge, one(&word, rest)?),
        "resolve" | "close" => Command::Act(Act::Resolve, one(&word, rest)?),
        "reopen" => Command::Act(Act::Reopen, one(&word, rest)?),
        "rerun" => Command::Act(Act::Rerun, one(&word, rest)?),
        "replay" => Command::Act(Act::Replay, one(&word, rest)?),
        "unsilence" => Command::Act(Act::Unsilence, one(&word, rest)?),
        "assign" => assign(rest, user)?,
        "silence" | "mute" => silence(rest)?,
        "why" => Command::Why(one(&word, rest)?),
        "similar" => Command::Similar(one(&word, rest)?),
        "postmortem" => postmortem(rest)?,
        "runbook" => Command::Runbook(one(&word, rest)?),
        "runs" => nothing(&word, rest, Command::Runs)?,
        "run" => run(rest)?,
        "approve" | "deny" => decide(&word, rest)?,
        "handoff" | "handover" => nothing(&word, rest, Command::Handoff)?,
        "stats" => Command::Stats { days: days(rest)? },
        "oncall" | "on-call" => nothing(&word, rest, Command::OnCall)?,
        "doctor" => nothing(&word, rest, Command::Doctor)?,
        _ => return Err(unknown(&word)),
    };
    Ok(command)
}

/// Whether a text that was not typed after `/sre` is a command all the same: the name, and nothing that makes it a sentence.
pub fn reads_as_command(text: &str, user: &str) -> Option<Command> {
    let name = text.split_whitespace().next()?.to_lowercase();
    let known = COMMANDS.iter().any(|command| command.name == name) || reference(&name).is_some();
    if !known || text.contains('?') {
        return None;
    }
    // "status of checkout", "show me the errors" are questions, not commands: their rest is no command's rest.
    match parse(text, user).ok()? {
        Command::Incidents(Which::Service(service)) if service.contains(' ') => None,
        command => Some(command),
    }
}

/// `INC-42`, `inc42`, `#42`, `42`, with what surrounds it in a sentence.
pub fn reference(word: &str) -> Option<IncidentId> {
    let word = word.trim_matches(|c: char| matches!(c, '*' | '`' | ',' | ':' | '.' | '(' | ')')).to_lowercase();
    let digits = word.strip_prefix("inc").map_or(word.as_str(), |rest| rest.strip_prefix('-').unwrap_or(rest));
    let digits = digits.strip_prefix('#').unwrap_or(digits);
    (!digits.is_empty() && digits.len() <= 12 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok().map(IncidentId))?
}

fn unknown(word: &str) -> String {
    let shown: String = word.chars().take(40).collect::<String>().replace('`', "");
    match nearest(word, COMMANDS.iter().map(|command| command.name), TYPING_ERROR) {
        Some(near) => format!("I do not know `{shown}`: did you mean `{near}`? `help` lists everything."),
        None => format!(
            "I do not know `{shown}`. `help` lists what there is; for an investigation in your own words say `investigate {shown} …`."
        ),
    }
}

fn nothing(name: &str, rest: &str, command: Command) -> Result<Command, String> {
    if rest.is_empty() { Ok(command) } else { Err(format!("`{name}` takes nothing after it.")) }
}

/// At most one incident.
fn one(name: &str, rest: &str) -> Result<Reference, String> {
    match rest {
        "" => Ok(None),
        word => reference(word).map(Some).ok_or_else(|| {
            let shown: String = word.chars().take(40).collect::<String>().replace('`', "");
            format!("`{shown}` is not an incident. Say it like `{name} INC-42`.")
        }),
    }
}

/// An incident first, where there is one, and the rest.
fn first_reference(rest: &str) -> (Reference, &str) {
    let (word, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match reference(word) {
        Some(id) => (Some(id), tail.trim()),
        None => (None, rest),
    }
}

fn postmortem(rest: &str) -> Result<Command, String> {
    let (of, form) = first_reference(rest);
    match form.to_lowercase().as_str() {
        "" => Ok(Command::Postmortem { of, markdown: false }),
        "markdown" | "md" => Ok(Command::Postmortem { of, markdown: true }),
        _ => Err("Say it like `postmortem INC-42`, or `postmortem INC-42 markdown` for a text to copy.".to_owned()),
    }
}

fn which(rest: &str) -> Which {
    match rest.to_lowercase().as_str() {
        "" | "all" => Which::All,
        "open" => Which::Open,
        "mine" | "my" => Which::Mine,
        _ => Which::Service(rest.to_owned()),
    }
}

fn investigate(rest: &str) -> Result<Command, String> {
    if rest.is_empty() {
        return Err("What shall I look at? Say it in your words, like `investigate checkout is slow since 14:00`.".to_owned());
    }
    Ok(Command::Investigate(rest.to_owned()))
}

/// `restart-workload INC-42 workload=checkout`.
fn run(rest: &str) -> Result<Command, String> {
    let mut words = rest.split_whitespace();
    let how = "Say it like `run restart-workload INC-42 workload=checkout`; `runbook INC-42` shows what fits.";
    let runbook = words.next().ok_or(how)?.to_lowercase();
    let (mut of, mut values) = (None, Vec::new());
    for word in words {
        match (word.split_once('='), reference(word)) {
            (Some((name, value)), _) => values.push((name.to_lowercase(), value.to_owned())),
            (None, Some(id)) if of.is_none() => of = Some(id),
            _ => return Err(how.to_owned()),
        }
    }
    Ok(Command::Run { runbook, of, values })
}

/// A run and the hash that its message shows.
fn decide(word: &str, rest: &str) -> Result<Command, String> {
    let how = || format!("Say it like `{word} RUN HASH`; both are in `runs` and under the run's message. The buttons there are easier.");
    let (run, hash) = rest.split_once(char::is_whitespace).ok_or_else(how)?;
    let run = run.to_uppercase().parse().map_err(|_| how())?;
    Ok(Command::Decide { run, approves: word == "approve", hash: hash.trim().to_lowercase() })
}

fn assign(rest: &str, user: &str) -> Result<Command, String> {
    let (id, who) = first_reference(rest);
    let to = match who.to_lowercase().as_str() {
        "me" => Some(user.to_owned()),
        "nobody" | "none" => None,
        _ => Some(mention(who).ok_or("Say who, like `assign INC-42 @alice`, `assign INC-42 me` or `assign INC-42 nobody`. Pick the person from the list that Slack offers after the @.")?),
    };
    Ok(Command::Act(Act::Assign { to }, id))
}

/// `<@U012AB3CD|alice>`: the form in which Slack sends a person who was picked from the list.
fn mention(text: &str) -> Option<String> {
    let id = text.strip_prefix("<@")?.strip_suffix('>')?.split('|').next()?;
    is_slack_user(id).then(|| id.to_owned())
}

fn silence(rest: &str) -> Result<Command, String> {
    let (id, rest) = first_reference(rest);
    let rest = rest.strip_prefix("for ").unwrap_or(rest);
    let (word, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let begins_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
    let (seconds, reason) = match length_of_time(word) {
        Some(seconds) => (seconds, tail),
        None if begins_with_digit => {
            let shown: String = word.chars().take(20).collect::<String>().replace('`', "");
            return Err(format!("`{shown}` is not a length of time. Say it like `silence INC-42 2h`, with m, h or d."));
        }
        None => (SILENCE_SECONDS, rest),
    };
    if !(SILENCE_LEAST..=SILENCE_MOST).contains(&seconds) {
        return Err("A silence lasts from one minute (`1m`) to thirty days (`30d`).".to_owned());
    }
    Ok(Command::Act(Act::Silence { seconds, reason: reason.trim().to_owned(), matchers: Vec::new() }, id))
}

/// `90s`, `45m`, `2h`, `2h30m`, `1d`, `2w` in seconds.
fn length_of_time(word: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = word;
    while !rest.is_empty() {
        let split = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(split)?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let seconds = match unit.to_lowercase().as_str() {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds)?)?;
        rest = tail;
    }
    (total > 0).then_some(total)
}

fn days(rest: &str) -> Result<i64, String> {
    if rest.is_empty() {
        return Ok(STATS_DAYS);
    }
    let days = length_of_time(rest).and_then(|seconds| i64::try_from(seconds / 86_400).ok());
    days.filter(|days| (1..=STATS_DAYS_MAX).contains(days))
        .ok_or_else(|| format!("Say how far back, like `stats 4w` or `stats 30d`, at most {STATS_DAYS_MAX} days."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Command {
        parse(text, "U1ME").unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn an_incident_is_named_in_many_ways() {
        for text in ["show INC-42", "show inc-42", "show inc42", "show #42", "show 42", "INC-42", "show inc#42"] {
            assert_eq!(read(text), Command::Show(Some(IncidentId(42))), "{text}");
        }
        assert_eq!(read("show"), Command::Show(None));
        assert_eq!(reference("incidents"), None);
        assert_eq!(reference("99999999999999999999999"), None);
    }

    #[test]
    fn acts_take_what_belongs_to_them() {
        assert_eq!(read("ack"), Command::Act(Act::Acknowledge, None));
        assert_eq!(read("assign INC-3 <@U012AB|bob>"), Command::Act(Act::Assign { to: Some("U012AB".into()) }, Some(IncidentId(3))));
        assert_eq!(read("assign me"), Command::Act(Act::Assign { to: Some("U1ME".into()) }, None));
        assert_eq!(read("assign 3 nobody"), Command::Act(Act::Assign { to: None }, Some(IncidentId(3))));
        let silence = |seconds, reason: &str, id| Command::Act(Act::Silence { seconds, reason: reason.into(), matchers: Vec::new() }, id);
        assert_eq!(read("silence INC-3 2h deploy noise"), silence(7200, "deploy noise", Some(IncidentId(3))));
        assert_eq!(read("silence 45m"), silence(2700, "", None));
        assert_eq!(read("silence for 1h30m"), silence(5400, "", None));
        assert_eq!(read("silence"), silence(3600, "", None));
        assert_eq!(read("silence INC-3 known problem"), silence(3600, "known problem", Some(IncidentId(3))));
        assert_eq!(read("stats 4w"), Command::Stats { days: 28 });
        assert_eq!(read("incidents checkout"), Command::Incidents(Which::Service("checkout".into())));
    }

    #[test]
    fn what_is_not_understood_says_how_to_say_it() {
        let refused = |text: &str| parse(text, "U1").unwrap_err();
        assert!(refused("incidnets").contains("did you mean `incidents`?"));
        assert!(refused("stat").contains("`stats`"), "{}", refused("stat"));
        assert!(refused("banana").contains("help"));
        assert!(refused("show banana").contains("show INC-42"));
        assert!(refused("silence INC-3 2 hours").contains("length of time"));
        assert!(refused("silence 99d").contains("thirty days"));
        assert!(refused("silence 99999999999999999999h").contains("length of time"));
        assert!(refused("assign INC-3 @bob").contains("Pick the person"));
        assert!(refused("investigate").contains("your words"));
        assert!(refused("stats yesterday").contains("4w"));
        assert!(refused("status now").contains("nothing after"));
    }

    #[test]
    fn a_sentence_is_no_command() {
        for text in
            ["why is checkout slow", "why?", "show me the errors", "status of checkout", "incidents of the last week please", "ack that"]
        {
            assert_eq!(reads_as_command(text, "U1"), None, "{text}");
        }
        assert_eq!(reads_as_command("status", "U1"), Some(Command::Status));
        assert_eq!(reads_as_command("ack INC-1", "U1"), Some(Command::Act(Act::Acknowledge, Some(IncidentId(1)))));
    }
}
