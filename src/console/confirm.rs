//! The second page of an approval: the same dry run once more, and the press that counts.

use maud::html;

use super::{
    approvals, diff, layout, links,
    parts::post,
    views::{Confirm, Frame, Place},
};

pub fn page(view: &Confirm, frame: &Frame) -> String {
    let one = &view.pending;
    // The hash says which dry run was read: an approval of another one does not count.
    let form = html! {
        input type="hidden" name="hash" value=(one.hash);
        button type="submit" class="primary" { "Approve and run" }
    };
    let back = links::place(Place::Approvals);
    let body = html! {
        div class="head" {
            p class="eyebrow" { a href=(back) { "← Approvals" } }
            h1 { "Approve this?" }
        }
        div class="panel" {
            h2 { (one.title) }
            (approvals::what(one, frame))
            (diff::block(&one.diff, &format!("Dry run of {}", one.title)))
            @match &one.refusal {
                Some(reason) => {
                    p class="refusal" { "You cannot approve it: " (reason) }
                    div class="decide" { a class="button" href=(back) { "Back" } }
                }
                None => {
                    p { "It runs as soon as enough people agree. Your name is recorded with it." }
                    div class="decide" {
                        (post(&links::approve(&one.id), "plain", &frame.csrf, &form))
                        a class="button" href=(back) { "Not now" }
                    }
                }
            }
        }
    };
    layout::whole(&format!("Approve: {}", one.title), frame, &body)
}
