//! What was seen, with the source's own words, and the citations that lead there.

use maud::{Markup, html};

use super::{
    links,
    parts::{exact, outside},
    views::Evidence,
};

pub fn section(evidence: &[Evidence]) -> Markup {
    html! {
        section class="panel" aria-labelledby="evidence" {
            h2 id="evidence" { "Evidence" }
            @if evidence.is_empty() { p class="muted" { "Nothing was gathered yet." } }
            @else { ul class="evidence" { @for one in evidence { (item(one)) } } }
        }
    }
}

/// A citation: a link where the page has the evidence, and its name alone where it has not.
pub fn cite(id: &str, evidence: &[Evidence]) -> Markup {
    let here = evidence.iter().any(|one| one.id == id);
    html! {
        @match links::anchor(id).filter(|_| here) {
            Some(anchor) => a class="cite" href={ "#" (anchor) } { (id) },
            None => span class="cite" { (id) },
        }
    }
}

pub fn cites(ids: &[String], evidence: &[Evidence]) -> Markup {
    html! { @for (at, id) in ids.iter().enumerate() { @if at > 0 { " " } (cite(id, evidence)) } }
}

fn item(one: &Evidence) -> Markup {
    html! {
        li id=[links::anchor(&one.id)] {
            p class="summary" {
                span class="cite" { (one.id) } " " (one.summary)
                @if one.decisive { " " span class="tag" { "decisive" } }
            }
            @if one.excerpt.is_empty() { (caption(one)) }
            @else {
                figure {
                    figcaption { (caption(one)) }
                    pre tabindex="0" role="group" aria-label={ "Excerpt of " (one.id) } { code { (one.excerpt) } }
                }
            }
        }
    }
}

fn caption(one: &Evidence) -> Markup {
    html! {
        div class="caption" {
            span { (one.kind) " from " code { (one.source) } }
            @if !one.entity.is_empty() { span { (one.entity) } }
            @if let Some(time) = one.time { span { (exact(time)) @if let Some(until) = one.until { " to " (exact(until)) } } }
            @if !one.query.is_empty() { span { "Asked: " code { (one.query) } } }
            @if let Some(link) = &one.link { span { (outside(link, "See it at the source")) } }
        }
    }
}
