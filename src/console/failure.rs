//! The page that says why there is no other: 403, 404, 503.

use maud::{Markup, html};

use super::{
    layout, links,
    parts::duration,
    views::{Failure, Frame, Place},
};

pub fn page(view: &Failure, frame: &Frame) -> String {
    let (code, title, said) = match view {
        Failure::Forbidden { permission } => ("403", "Not allowed", forbidden(permission)),
        Failure::NotFound { what } => ("404", "Not found", not_found(what)),
        Failure::Unavailable { reason, retry_seconds } => ("503", "Not available now", unavailable(reason, *retry_seconds)),
    };
    let body = html! {
        div class="narrow panel" {
            p class="eyebrow" { (code) }
            h1 { (title) }
            (said)
            p {
                @if frame.person.is_some() { a class="button" href=(links::place(Place::Incidents)) { "To the incidents" } }
                @else { a class="button" href=(links::SIGN_IN) { "To the sign-in" } }
            }
        }
    };
    layout::whole(&format!("{code} {title}"), frame, &body)
}

fn forbidden(permission: &str) -> Markup {
    html! {
        p { "This needs the permission " code { (permission) } ", and your roles do not have it." }
        p { "Ask an administrator for a role that has it, then sign in again." }
    }
}

fn not_found(what: &str) -> Markup {
    html! {
        p { "There is no " strong { (what) } " here." }
        p { "It may have been removed after its time of keeping, or the address has a mistake in it." }
    }
}

fn unavailable(reason: &str, retry_seconds: Option<u64>) -> Markup {
    html! {
        p { (reason) }
        p { "Nothing was changed. " @if let Some(seconds) = retry_seconds { "Try again in " (duration(seconds.saturating_mul(1000))) "." } @else { "Try again in a minute." } }
    }
}
