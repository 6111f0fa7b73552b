//! What a check hands out, and what it is asked about.

use jiff::Timestamp;

use crate::model::{Category, Entity, EvidenceKind};

/// What the alert or the question is about. Everything may be empty; then the whole evidence is in question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Focus {
    /// The objects that the alert names, most specific first.
    pub entities: Vec<Entity>,
    pub namespace: String,
    /// Words that identify the subject: service, pod without its hash, host, words of the question that are no stop words.
    pub words: Vec<String>,
    /// The alert's name, summary and description, or the question.
    pub text: String,
    /// The instant from which "since" is counted.
    pub now: Option<Timestamp>,
}

/// What part a finding can play in the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It explains others and can be acted upon.
    Cause,
    /// It is how a cause shows: a restart, an error rate, a failed probe. Reported as the cause only where nothing explains it.
    Symptom,
    /// Worth knowing, never a cause.
    Context,
}

/// One observation worth citing; `fuse` gives it its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub kind: EvidenceKind,
    /// The tool's name or the path inside the bundle.
    pub source: String,
    pub query: String,
    pub entity: Entity,
    pub time: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// One sentence with the numbers in it.
    pub summary: String,
    /// The source's own words.
    pub excerpt: String,
    pub decisive: bool,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub category: Category,
    pub role: Role,
    pub entity: Entity,
    /// Objects on which it was seen to act, beside its own: the pod whose connection a policy refuses.
    pub acts_on: Vec<Entity>,
    /// One sentence that a person can repeat: what, which object, the values.
    pub statement: String,
    pub seen: Vec<Seen>,
    /// What was seen that speaks against it; a person weighs it, and it lowers the confidence.
    pub against: Vec<Seen>,
    /// It settles its point by itself; decisive findings outrank statistics.
    pub decisive: bool,
    /// 0 to 1: the effect against the signal's own normal variation, or how specific the fact is.
    pub strength: f64,
    pub since: Option<Timestamp>,
    pub falsifier: String,
    pub remediation: Vec<String>,
    pub prevention: Vec<String>,
}

impl Finding {
    /// A finding without evidence yet; strength one half, not decisive.
    pub fn new(category: Category, role: Role, entity: Entity, statement: impl Into<String>) -> Self {
        Self {
            category,
            role,
            entity,
            acts_on: Vec::new(),
            statement: statement.into(),
            seen: Vec::new(),
            against: Vec::new(),
            decisive: false,
            strength: 0.5,
            since: None,
            falsifier: String::new(),
            remediation: Vec::new(),
            prevention: Vec::new(),
        }
    }

    /// It settles its point by itself.
    #[must_use]
    pub fn decisive(mut self) -> Self {
        self.decisive = true;
        self.strength = self.strength.max(0.9);
        self
    }

    #[must_use]
    pub fn strength(mut self, strength: f64) -> Self {
        self.strength = strength;
        self
    }

    #[must_use]
    pub fn saw(mut self, seen: Seen) -> Self {
        self.since = match (self.since, seen.time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.seen.push(seen);
        self
    }

    #[must_use]
    pub fn saw_all(self, seen: impl IntoIterator<Item = Seen>) -> Self {
        seen.into_iter().fold(self, Self::saw)
    }

    /// It was seen to act on this object too.
    #[must_use]
    pub fn acting_on(mut self, entity: Entity) -> Self {
        self.acts_on.push(entity);
        self
    }

    /// Something that speaks against it.
    #[must_use]
    pub fn but(mut self, seen: Seen) -> Self {
        self.against.push(seen);
        self
    }

    #[must_use]
    pub fn falsifier(mut self, text: impl Into<String>) -> Self {
        self.falsifier = text.into();
        self
    }

    /// One thing to do now.
    #[must_use]
    pub fn fix(mut self, text: impl Into<String>) -> Self {
        self.remediation.push(text.into());
        self
    }

    /// One thing that keeps it from coming back.
    #[must_use]
    pub fn prevent(mut self, text: impl Into<String>) -> Self {
        self.prevention.push(text.into());
        self
    }
}

impl Seen {
    /// Something seen at no known time, in nobody's words yet.
    pub fn new(kind: EvidenceKind, source: &str, entity: Entity, summary: impl Into<String>) -> Self {
        Self {
            kind,
            source: source.to_owned(),
            query: String::new(),
            entity,
            time: None,
            until: None,
            summary: summary.into(),
            excerpt: String::new(),
            decisive: false,
        }
    }

    #[must_use]
    pub fn at(mut self, time: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        self.time = time;
        self.until = until;
        self
    }

    #[must_use]
    pub fn quoting(mut self, excerpt: impl Into<String>) -> Self {
        self.excerpt = excerpt.into();
        self
    }

    #[must_use]
    pub fn decisive(mut self) -> Self {
        self.decisive = true;
        self
    }
}
