//! One scenario's marks, and their sums per set.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use regex::{Regex, RegexBuilder};
use serde::Serialize;

use super::{
    calibration::{Range, calibration},
    scenario::{Outcome, Scenario},
};
use crate::{
    analysis::links::stem,
    model::{Evidence, EvidenceKind, Hypothesis, Investigation},
};

/// A wrong cause above this confidence counts as asserted wrongly. Source: the scoring contract.
const ASSERTED: f64 = 0.7;

/// One scenario's marks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScenarioScore {
    pub id: String,
    pub top1: bool,
    pub top3: bool,
    /// The rank-1 entity is the expected one; true where none is expected.
    pub entity: bool,
    pub status: String,
    /// The rank-1 cause; empty when nothing is asserted.
    pub statement: String,
    pub confidence: f64,
    pub ms: u64,
    #[serde(skip)]
    pub set: String,
    #[serde(skip)]
    pub asserted_wrong: bool,
    #[serde(skip)]
    pub abstained: bool,
}

/// Sums of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub n: usize,
    pub top1: usize,
    pub top3: usize,
    pub asserted_wrong: usize,
    pub abstained: usize,
    pub median_ms: u64,
    pub max_ms: u64,
}

/// Everything that `eval --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    pub total: Tally,
    pub sets: BTreeMap<String, Tally>,
    pub calibration: Vec<Range>,
    pub scenarios: Vec<ScenarioScore>,
}

impl Scores {
    pub fn new(scenarios: Vec<ScenarioScore>) -> Self {
        let mut sets: BTreeMap<String, Vec<&ScenarioScore>> = BTreeMap::new();
        for score in &scenarios {
            sets.entry(score.set.clone()).or_default().push(score);
        }
        let sets = sets.into_iter().map(|(name, scores)| (name, Tally::of(&scores))).collect();
        Self { total: Tally::of(&scenarios.iter().collect::<Vec<_>>()), sets, calibration: calibration(&scenarios), scenarios }
    }
}

impl Tally {
    fn of(scores: &[&ScenarioScore]) -> Self {
        let count = |test: &dyn Fn(&ScenarioScore) -> bool| scores.iter().filter(|score| test(score)).count();
        let mut times: Vec<u64> = scores.iter().map(|score| score.ms).collect();
        times.sort_unstable();
        Self {
            n: scores.len(),
            top1: count(&|score| score.top1),
            top3: count(&|score| score.top3),
            asserted_wrong: count(&|score| score.asserted_wrong),
            abstained: count(&|score| score.abstained),
            median_ms: times.get(times.len() / 2).copied().unwrap_or(0),
            max_ms: times.last().copied().unwrap_or(0),
        }
    }
}

/// Marks one investigation.
///
/// # Errors
/// When an expectation is no valid regular expression.
pub fn score(scenario: &Scenario, investigation: &Investigation, ms: u64) -> Result<ScenarioScore> {
    let expect = &scenario.expect;
    let first = investigation.hypotheses.first();
    let abstained = first.is_none();
    let (top1, top3, entity) = if expect.outcome == Outcome::RootCause {
        let rules = Rules::new(scenario)?;
        let entity = first.is_some_and(|hypothesis| rules.entity(hypothesis));
        let fits = |hypothesis: &Hypothesis| rules.fits(hypothesis, &investigation.evidence);
        let clean = first.is_some_and(|hypothesis| rules.clean(hypothesis, &investigation.evidence));
        let top1 = first.is_some_and(fits) && clean;
        (top1, clean && investigation.hypotheses.iter().take(3).any(fits), entity)
    } else {
        (abstained, abstained, true)
    };
    let confidence = first.map_or(0.0, |hypothesis| hypothesis.confidence);
    let asserted_wrong = match expect.outcome {
        Outcome::RootCause => !top1 && confidence > ASSERTED,
        Outcome::NoProblem | Outcome::CannotTell => !abstained,
    };
    Ok(ScenarioScore {
        id: scenario.id.clone(),
        set: scenario.set().to_owned(),
        top1,
        top3,
        entity,
        status: investigation.status.as_str().to_owned(),
        statement: first.map(|hypothesis| hypothesis.statement.clone()).unwrap_or_default(),
        confidence,
        ms,
        asserted_wrong,
        abstained,
    })
}

struct Rules {
    all_of: Vec<Regex>,
    none_of: Vec<Regex>,
    entity: Option<Regex>,
    line: bool,
    change: bool,
}

impl Rules {
    fn new(scenario: &Scenario) -> Result<Self> {
        let expect = &scenario.expect;
        let compile = |pattern: &String| {
            RegexBuilder::new(pattern).case_insensitive(true).build().with_context(|| format!("{}: `{pattern}`", scenario.id))
        };
        Ok(Self {
            all_of: expect.all_of.iter().map(compile).collect::<Result<_>>()?,
            none_of: expect.none_of.iter().map(compile).collect::<Result<_>>()?,
            entity: expect.entity.as_ref().map(compile).transpose()?,
            line: expect.line,
            change: expect.change,
        })
    }

    fn fits(&self, hypothesis: &Hypothesis, evidence: &[Evidence]) -> bool {
        let mut texts = vec![
            hypothesis.statement.clone(),
            hypothesis.category.as_str().to_owned(),
            hypothesis.entity.to_string(),
            hypothesis.entity.path(),
        ];
        for cited in cited(hypothesis, evidence) {
            texts.push(cited.summary.chars().take(300).collect());
            if cited.kind == EvidenceKind::Change {
                texts.push(cited.entity.name.clone());
            }
            if self.line {
                texts.push(cited.excerpt.clone());
            }
        }
        let text = texts.join("\n");
        self.all_of.iter().all(|rule| rule.is_match(&text)) && (self.change || self.entity(hypothesis))
    }

    /// Nothing that must not be said is said at rank 1.
    fn clean(&self, hypothesis: &Hypothesis, evidence: &[Evidence]) -> bool {
        let changes = cited(hypothesis, evidence).filter(|cited| cited.kind == EvidenceKind::Change).map(|cited| cited.entity.name.clone());
        let text: Vec<String> = [hypothesis.statement.clone(), hypothesis.entity.path()].into_iter().chain(changes).collect();
        let text = text.join("\n");
        !self.none_of.iter().any(|rule| rule.is_match(&text))
    }

    /// The object, the workload that owns it, or the service.
    fn entity(&self, hypothesis: &Hypothesis) -> bool {
        let Some(rule) = &self.entity else { return true };
        let entity = &hypothesis.entity;
        let owner = crate::model::Entity { name: stem(&entity.name).to_owned(), ..entity.clone() };
        [entity.path(), entity.name.clone(), owner.path(), owner.name.clone()].iter().any(|name| rule.is_match(name))
    }
}

fn cited<'a>(hypothesis: &'a Hypothesis, evidence: &'a [Evidence]) -> impl Iterator<Item = &'a Evidence> {
    evidence.iter().filter(|evidence| hypothesis.supporting.contains(&evidence.id))
}
