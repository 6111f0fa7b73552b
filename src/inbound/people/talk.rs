//! Mentions, direct messages and replies in an incident's thread: questions to us are answered, talk among people is left alone.

use jiff::Timestamp;

use super::super::{
    State,
    commands::{self, Asker, Command, asks, reads_as_command},
    events::{self, Envelope, text},
    reply::Refusal,
    state::Door,
};
use crate::{
    agents::narrow,
    model::{Ask, Inbound, Incident, IncidentId, Message, Priority, RecordSource, Reply},
    report,
    slack::blocks,
    store::{Commit, Place, SlotBody, SlotUpdate},
};

/// A message that is not addressed to us and is longer than this is talk, not an instruction.
const INSTRUCTION_MAX: usize = 200;

/// A message as far as we need it.
#[derive(Debug, Clone, Copy)]
struct Said<'a> {
    team: &'a str,
    channel: &'a str,
    ts: &'a str,
    /// The first message of its thread; itself where there is none.
    root: &'a str,
    user: &'a str,
    direct: bool,
}

/// What a message says, without what addresses it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    text: String,
    /// It mentions us.
    us: bool,
    /// It mentions somebody else.
    others: bool,
}

/// Handles one message of a person; Slack sends a mention in a channel twice, as `message` and as `app_mention`.
pub async fn handle(state: &State, envelope: &Envelope) -> Result<(), Refusal> {
    let event = &envelope.event;
    let (channel, ts, user) = (text(event, "channel"), text(event, "ts"), text(event, "user"));
    // What another bot says is never a question, even when it mentions us: two bots would talk for ever.
    if channel.is_empty()
        || ts.is_empty()
        || user.is_empty()
        || !text(event, "bot_id").is_empty()
        || events::is_ours(state, envelope, event)
    {
        return Ok(());
    }
    let thread = text(event, "thread_ts");
    let said = Said {
        team: &envelope.team_id,
        channel,
        ts,
        root: if thread.is_empty() { ts } else { thread },
        user,
        direct: text(event, "channel_type") == "im",
    };
    let workspace = state.slack.of(said.team);
    let us = workspace.identity.get().map(|identity| identity.user_id.as_str()).unwrap_or_default();
    let words = words(text(event, "text"), us, text(event, "type") == "app_mention");
    if words.us && !said.direct && text(event, "type") == "message" {
        // The same mention comes as `app_mention` too: that one is handled.
        return Ok(());
    }
    let addressed = words.us || said.direct;
    if !addressed && (thread.is_empty() || words.others || !speaks_to_us(&words.text)) {
        return Ok(());
    }
    let incident = if said.root == said.ts { None } else { incident_here(state, &said).await? };
    match (addressed, incident) {
        // Words that would be for us in an incident's thread are just words elsewhere.
        (false, None) => Ok(()),
        (_, incident) => answer(state, &said, words.text, addressed, incident).await,
    }
}

/// The incident whose thread it is: the open one before a closed one.
async fn incident_here(state: &State, said: &Said<'_>) -> Result<Option<Incident>, Refusal> {
    let mut found = state.store.incidents_in_thread(said.channel, said.root).await?;
    let open = found.iter().position(|incident| !incident.state.is_closed()).unwrap_or_default();
    Ok((open < found.len()).then(|| found.swap_remove(open)))
}

async fn answer(state: &State, said: &Said<'_>, text: String, addressed: bool, incident: Option<Incident>) -> Result<(), Refusal> {
    let asker = Asker {
        team: said.team.to_owned(),
        channel: said.channel.to_owned(),
        thread: Some(said.root.to_owned()),
        user: said.user.to_owned(),
        prefix: "/sre".to_owned(),
    };
    let reply = Reply { channel: asker.channel.clone(), thread: asker.thread.clone(), response_url: None };
    // A mention comes twice, and anything may be delivered again: the message is what happens once.
    let key = format!("said/{}/{}", said.channel, said.ts);
    let door = Door { source: RecordSource::SlackEvents, key: Some(&key), team: said.team, priority: Priority::P1 };
    // What the incident's own report answers is answered in its thread, for everybody who reads it.
    let known = incident.is_some() && report::known_question(&text).is_some();
    let command = if addressed && !known { reads_as_command(&text, said.user) } else { None };
    let text = match command {
        Some(Command::Act(act, reference)) => {
            if let Some(why) = commands::act_on(state, door, &asker, act, reference, reply).await? {
                tell(state, said, why);
            }
            return Ok(());
        }
        Some(Command::Investigate(text)) => text,
        Some(command) => {
            let (state, said) = (state.clone(), Owned::from(said));
            tokio::spawn(async move {
                let message = commands::answer(&state, &asker, command).await;
                say(&state, &said, &message).await;
            });
            return Ok(());
        }
        None if text.is_empty() => {
            tell(state, said, report::help("/sre"));
            return Ok(());
        }
        None => text,
    };
    if let Err(why) = asks(state, &asker, incident.as_ref()).await {
        tell(state, said, why);
        return Ok(());
    }
    let incident = incident.map(|incident| incident.id);
    let ask = Ask { text, user: asker.user, channel: asker.channel, ts: Some(said.root.to_owned()), incident };
    state.record(door, |_| Inbound::Ask { ask, reply }).await?;
    Ok(())
}

/// A message's place, for what is said after Slack has its acknowledgement.
struct Owned {
    team: String,
    channel: String,
    ts: String,
    root: String,
    user: String,
    direct: bool,
}

impl From<&Said<'_>> for Owned {
    fn from(said: &Said<'_>) -> Self {
        Self {
            team: said.team.to_owned(),
            channel: said.channel.to_owned(),
            ts: said.ts.to_owned(),
            root: said.root.to_owned(),
            user: said.user.to_owned(),
            direct: said.direct,
        }
    }
}

fn tell(state: &State, said: &Said<'_>, message: Message) {
    let (state, said) = (state.clone(), Owned::from(said));
    tokio::spawn(async move { say(&state, &said, &message).await });
}

/// Answers the person: in a direct message as a reply, in a channel so that nobody else is bothered (or called by a name in it).
async fn say(state: &State, said: &Owned, message: &Message) {
    if said.direct {
        let slot = SlotUpdate {
            // The same message again is the same answer.
            key: format!("said/{}/{}", said.channel, said.ts),
            incident: IncidentId(0),
            team: said.team.clone(),
            channel: said.channel.clone(),
            place: Place::Thread(said.root.clone()),
            body: SlotBody::Message(message.clone()),
        };
        if let Err(error) = state.store.commit(Commit { slots: vec![slot], ..Commit::default() }).await {
            tracing::warn!(%error, "an answer could not be stored");
        }
        return;
    }
    let slack = state.slack.of(&said.team);
    let thread = (said.root != said.ts).then_some(said.root.as_str());
    if let Err(error) = slack.client.whisper(&said.channel, thread, &said.user, &blocks::message(message)).await {
        tracing::warn!(%error, user = said.user, "an answer did not reach the person");
    }
}

/// Takes the mentions and Slack's escapes out of a text. `addressed`: Slack says that it mentions us, whoever we are.
fn words(raw: &str, us: &str, addressed: bool) -> Words {
    let mut words = Words { us: addressed, ..Words::default() };
    let mut rest = raw;
    let mut first = true;
    while let Some((before, after)) = rest.split_once('<') {
        words.text.push_str(before);
        let Some((inner, tail)) = after.split_once('>') else {
            words.text.push('<');
            words.text.push_str(after);
            rest = "";
            break;
        };
        let (target, label) = inner.split_once('|').unwrap_or((inner, ""));
        match target.strip_prefix('@') {
            Some(user) if !us.is_empty() && user == us => words.us = true,
            // Before Slack has told us who we are, the first mention of an `app_mention` is taken for us.
            Some(_) if us.is_empty() && addressed && first => {}
            Some(user) => {
                words.others = true;
                words.text.push_str(&format!("<@{user}>"));
            }
            None if target.starts_with('!') => words.others = true,
            None => words.text.push_str(if label.is_empty() { target } else { label }),
        }
        first = first && !target.starts_with('@');
        rest = tail;
    }
    words.text.push_str(rest);
    let plain = words.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    words.text = plain.trim().trim_start_matches([',', ':']).trim().to_owned();
    words
}

/// In an incident's thread, without a mention: only a question that the report answers, or an instruction to narrow the look.
/// Everything else is people talking to each other.
fn speaks_to_us(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') || text.chars().count() > INSTRUCTION_MAX {
        return false;
    }
    if report::known_question(text).is_some() {
        return true;
    }
    const VERBS: [&str; 9] = ["narrow", "only", "just", "ignore", "exclude", "focus", "zoom", "limit", "restrict"];
    // An instruction has no subject and no other verb: "only the database was affected" tells people something.
    #[rustfmt::skip]
    const TELLING: [&str; 36] = [
        "i", "i'm", "me", "my", "you", "your", "he", "she", "we", "they", "us", "it", "it's", "if", "when", "was", "were", "is", "are", "am",
        "be", "been", "has", "have", "had", "seems", "looks", "did", "does", "do", "will", "would", "can", "could", "should", "restarted",
    ];
    let lower = text.to_lowercase();
    let mut spoken = lower.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let begins = spoken.next().is_some_and(|first| VERBS.contains(&first));
    // The times in it do not matter here, only that there are some.
    begins && !spoken.any(|word| TELLING.contains(&word)) && narrow::read(&lower, Timestamp::UNIX_EPOCH).is_instruction()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_and_escapes_leave_the_text() {
        let read = |raw: &str| words(raw, "U0US", false);
        assert_eq!(read("<@U0US> why is <http://x.example|checkout> slow &amp; sad?").text, "why is checkout slow & sad?");
        assert!(read("hey <@U0US>, status").us);
        assert_eq!(read("<@U0US>: status").text, "status");
        assert!(read("<@U0BOB> only errors of api").others);
        assert!(read("<!here> what changed?").others);
        assert_eq!(read("assign <@U0BOB|bob>").text, "assign <@U0BOB>");
        assert_eq!(words("<@U0WHO> hi", "", true), Words { text: "hi".into(), us: true, others: false });
        assert_eq!(read("a < b <").text, "a < b <");
    }

    #[test]
    fn people_who_talk_to_each_other_are_left_alone() {
        for ours in [
            "why?",
            "what changed?",
            "only errors of api",
            "narrow to the last two deploys",
            "ignore payments",
            "who is affected?",
            "just the last 30 min",
        ] {
            assert!(speaks_to_us(ours), "{ours}");
        }
        for theirs in [
            "why did you deploy on a friday?",
            "only I can see this?",
            "just restarted it, since 14:00 it is fine",
            "I think it is the database",
            "what changed in the last deploy, bob?",
            "ignore me, wrong thread",
            "only the payments service was affected",
            "ok",
            "rolling back now",
            "",
            "only errors of api\nbut then again",
        ] {
            assert!(!speaks_to_us(theirs), "{theirs}");
        }
    }
}
