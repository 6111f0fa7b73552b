//! What `doctor` finds: one finding for each thing that it tries.

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Fine,
    /// Something is lost, and the rest works.
    Lacking,
    /// Nothing works until this does.
    Broken,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was tried: a connection, or a feature.
    pub what: String,
    pub standing: Standing,
    /// What came of it, in words; what is lost where something is.
    pub said: String,
    /// One sentence: what to do. Empty where nothing is to be done.
    pub advice: String,
}

impl Finding {
    pub fn fine(what: impl Into<String>, said: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Fine, said: said.into(), advice: String::new() }
    }

    pub fn lacking(what: impl Into<String>, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Lacking, said: said.into(), advice: advice.into() }
    }

    pub fn broken(what: impl Into<String>, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), standing: Standing::Broken, said: said.into(), advice: advice.into() }
    }
}
