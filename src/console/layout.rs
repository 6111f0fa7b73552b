//! What surrounds every page: head, skip link, navigation, notice, footer.

use maud::{DOCTYPE, Markup, html};

use super::{
    links,
    parts::{mark, number, post, tone_class},
    views::{Frame, Mark, Place, Tone},
};

/// A whole page. `title` is what the browser's tab says before the product's name.
pub fn whole(title: &str, frame: &Frame, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" data-now=(frame.now) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · " (frame.product) }
                link rel="stylesheet" href=(links::style(&frame.version));
                // Without an icon of its own a browser asks for /favicon.ico on every page.
                link rel="icon" href="data:,";
                script src=(links::script(&frame.version)) defer {}
            }
            body {
                a class="skip" href="#main" { "Skip to content" }
                (header(frame))
                main id="main" tabindex="-1" {
                    @if let Some(notice) = &frame.notice {
                        div class={ "notice " (tone_class(notice.tone)) } role=(notice_role(notice.tone)) {
                            (mark(&Mark::new(notice_word(notice.tone), notice.tone)))
                            p { (notice.text) }
                        }
                    }
                    (body)
                }
                footer { p { (frame.product) " " (frame.version) " · all times in UTC" } }
            }
        }
    };
    page.into_string()
}

fn notice_role(tone: Tone) -> &'static str {
    // Only what failed may interrupt what a screen reader is saying.
    if tone == Tone::Bad { "alert" } else { "status" }
}

fn notice_word(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "Done",
        Tone::Busy => "Under way",
        Tone::Warn => "Attention",
        Tone::Bad => "Failed",
        Tone::Neutral => "Note",
    }
}

fn header(frame: &Frame) -> Markup {
    html! {
        header class="top" {
            a class="brand" href=(links::place(Place::Incidents)) { (frame.product) }
            @if let Some(person) = &frame.person {
                nav class="places" aria-label="Main" {
                    ul { @for place in &frame.places { li { (entry(*place, frame)) } } }
                }
                div class="person" {
                    p { span class="unseen" { "Signed in as " } strong { (person.name) } @if !person.roles.is_empty() { " " span class="muted" { (person.roles.join(", ")) } } }
                    (post(links::SESSION_END, "plain", &frame.csrf, &html! { button type="submit" class="quiet" { "Sign out" } }))
                }
            }
        }
    }
}

fn entry(place: Place, frame: &Frame) -> Markup {
    let (name, badge, meaning) = match place {
        Place::Incidents => ("Incidents", frame.badges.incidents, "not acknowledged"),
        Place::Approvals => ("Approvals", frame.badges.approvals, "waiting"),
        Place::Agents => ("Agents", frame.badges.agents, "failing"),
        Place::Accuracy => ("Accuracy", 0, ""),
        Place::Audit => ("Audit", 0, ""),
    };
    let here = (frame.here == Some(place)).then_some("page");
    html! {
        a href=(links::place(place)) aria-current=[here] {
            (name)
            @if badge > 0 { " " span class="badge" { (number(badge)) span class="unseen" { " " (meaning) } } }
        }
    }
}
