//! What a dry run would change: lines told apart by their sign, their colour, and words for a screen reader.

use maud::{Markup, html};

use super::{
    parts::count,
    views::{Diff, DiffKind},
};

/// `name` says which diff it is, for those who do not see where it stands.
pub fn block(diff: &Diff, name: &str) -> Markup {
    let of = |kind| diff.lines.iter().filter(|line| line.kind == kind).count() as u64;
    html! {
        @if diff.lines.is_empty() { p class="muted" { "The dry run shows no difference." } }
        @else {
            figure class="diff" {
                figcaption { "Dry run: " (count(of(DiffKind::Added), "line")) " added, " (number_removed(of(DiffKind::Removed))) }
                pre tabindex="0" role="group" aria-label=(name) {
                    @for line in &diff.lines {
                        @match line.kind {
                            DiffKind::Added => ins { span class="unseen" { "added: " } span class="sign" aria-hidden="true" { "+" } (line.text) },
                            DiffKind::Removed => del { span class="unseen" { "removed: " } span class="sign" aria-hidden="true" { "−" } (line.text) },
                            DiffKind::Same => span class="same" { span class="sign" aria-hidden="true" { " " } (line.text) },
                        }
                        "\n"
                    }
                }
            }
            @if diff.left_out > 0 { p class="muted" { "And " (count(diff.left_out, "line")) " more, not shown." } }
        }
    }
}

fn number_removed(lines: u64) -> String {
    format!("{lines} removed")
}
