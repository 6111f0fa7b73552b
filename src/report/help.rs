//! What can be asked for: the list of commands, and what is said when a command is not understood.

use crate::model::{Message, Part, Text};

/// One command: its name, what follows it, what it does.
pub struct CommandHelp {
    pub name: &'static str,
    /// What may follow the name; empty where nothing does.
    pub usage: &'static str,
    pub meaning: &'static str,
}

const fn command(name: &'static str, usage: &'static str, meaning: &'static str) -> CommandHelp {
    CommandHelp { name, usage, meaning }
}

/// Every command, in the order in which people read them.
pub const COMMANDS: &[CommandHelp] = &[
    command("help", "", "this list"),
    command("status", "", "what is open now, by priority"),
    command("incidents", "[open|all|mine|SERVICE]", "the newest incidents"),
    command("show", "[INC-42]", "one incident: state, owner, cause, timeline"),
    command("investigate", "WORDS", "an investigation, like `investigate checkout is slow since 14:00`"),
    command("ack", "[INC-42]", "acknowledge it: you are the owner"),
    command("resolve", "[INC-42]", "it is over"),
    command("reopen", "[INC-42]", "it is not over"),
    command("assign", "[INC-42] @PERSON|me|nobody", "give it to somebody"),
    command("silence", "[INC-42] [2h] [REASON]", "no more messages about it for a while (1 h when no time is given)"),
    command("unsilence", "[INC-42]", "end its silence"),
    command("why", "[INC-42]", "the chain of evidence, and what would refute it"),
    command("similar", "[INC-42]", "past incidents like it"),
    command("handoff", "", "what the next shift must know"),
    command("postmortem", "[INC-42] [markdown]", "a draft from the timeline, posted in the incident's thread; or as text to copy"),
    command("stats", "[4w]", "how many, how fast, how often right"),
    command("runbook", "[INC-42]", "its runbook and what to do now"),
    command("run", "RUNBOOK [INC-42] [name=value…]", "prepare a runbook: a dry run, then somebody must approve it"),
    command("runs", "", "the runbooks that were run, or wait"),
    command("approve", "RUN HASH", "approve exactly what the run's message shows; the buttons there are easier"),
    command("deny", "RUN HASH", "deny it, or stop it after its present step"),
    command("oncall", "", "who is on call"),
    command("rerun", "[INC-42]", "look again, at the evidence as it is now"),
    command("replay", "[INC-42]", "look again as of the alert's time, and compare"),
    command("doctor", "", "is everything connected?"),
];

/// The list of commands.
pub fn help(command: &str) -> Message {
    let mut text = Text::new().bold("What you can ask for");
    for entry in COMMANDS {
        let usage = if entry.usage.is_empty() { String::new() } else { format!(" {}", entry.usage) };
        text = text.plain("\n").code(format!("{command} {}{usage}", entry.name)).plain("  ");
        text.0.extend(super::words::prose(entry.meaning).0);
    }
    let small = Text::new()
        .plain("Without a number, the one open incident of this channel is meant. Mention me with a question in any channel, or in an incident's thread: ")
        .code("only errors of api since 14:00")
        .plain(", ")
        .code("what changed?")
        .plain(".");
    Message { text: "What you can ask for".to_owned(), parts: vec![Part::Section(text), Part::Context(small)] }
}

/// One sentence to the person, with backquotes around what is to be typed.
pub fn sentence(text: &str) -> Message {
    Message { text: text.replace('`', ""), parts: vec![Part::Section(super::words::prose(text))] }
}
