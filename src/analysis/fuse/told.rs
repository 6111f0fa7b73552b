//! A change that touched exactly what is broken is told with it, instead of beside it.

use super::{STRONG, Story, chains};
use crate::{
    analysis::{Finding, Role, links::Links},
    model::Category,
};

/// Tells every change that fits a story's lead with that story, and nowhere else.
pub fn tell_changes(stories: &mut Vec<Story>, links: &Links) {
    let mut told = Vec::new();
    for at in 0..stories.len() {
        let Some(story) =
            stories.get(at).filter(|story| story.lead.role == Role::Cause && (story.lead.decisive || story.lead.strength >= STRONG))
        else {
            continue;
        };
        let among = story.others.iter().filter(|finding| finding.category == Category::BadChange);
        let beside = stories.iter().filter(|other| other.lead.category == Category::BadChange).map(|other| &other.lead);
        let mut found: Vec<(Vec<String>, Finding)> =
            among.chain(beside).filter_map(|change| Some((chains::fits(&story.lead, change, links)?, change.clone()))).collect();
        // A field that was changed says more than a name that is shared.
        found.sort_by_key(|(touched, _)| touched.is_empty());
        let Some((touched, change)) = found.into_iter().next() else { continue };
        if let Some(story) = stories.get_mut(at) {
            told.push(change.statement.clone());
            tell(story, &touched, change);
        }
    }
    stories.retain(|story| story.lead.category != Category::BadChange || !told.contains(&story.lead.statement));
}

fn tell(story: &mut Story, touched: &[String], change: Finding) {
    let what = change
        .seen
        .first()
        .map(|seen| seen.summary.split([':', ';', '(']).next().map(str::trim).unwrap_or_default().to_owned())
        .unwrap_or_default();
    let effect = std::mem::take(&mut story.lead.statement);
    story.lead.statement = if touched.is_empty() {
        format!(
            "{effect}; it came with {}",
            change.seen.first().map_or(what.as_str(), |seen| seen.summary.split("; files").next().unwrap_or(&what))
        )
    } else {
        format!("The {what} changed {}; since then: {effect}", told_fields(touched))
    };
    let undo = change.remediation.first().cloned();
    story.lead.remediation.retain(|line| Some(line) != undo.as_ref());
    story.lead.remediation.splice(0..0, undo);
    story.others.retain(|finding| finding.statement != change.statement);
    story.change = Some(change);
}

/// The fields that a change touched, a limit before what goes with it.
fn told_fields(touched: &[String]) -> String {
    let mut order: Vec<&String> = touched.iter().collect();
    order.sort_by_key(|line| !line.contains("limits"));
    let most = if order.first().is_some_and(|line| line.contains("limits")) { 1 } else { 2 };
    order.into_iter().take(most).map(|line| line.replace(".resources.", " ")).collect::<Vec<_>>().join(" and ")
}
