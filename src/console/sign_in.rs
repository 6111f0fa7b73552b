//! The page for signing in: with Slack, or with a token.

use maud::html;

use super::{
    layout, links,
    parts::post,
    views::{Frame, SignIn},
};

pub fn page(view: &SignIn, frame: &Frame) -> String {
    let described = view.error.is_some().then_some("sign-in-error");
    let invalid = view.error.is_some().then_some("true");
    let token = html! {
        input type="hidden" name="next" value=(links::safe_path(&view.next).unwrap_or_default());
        div class="field" {
            label for="token" { "Access token" }
            p class="hint" id="token-hint" { "Issued by an administrator with " code { "token issue" } "." }
            input id="token" name="token" type="password" required maxlength="4096" autocomplete="current-password" spellcheck="false"
                aria-describedby={ "token-hint" @if let Some(id) = described { " " (id) } } aria-invalid=[invalid];
        }
        button type="submit" class=(if view.slack { "button" } else { "primary" }) { "Sign in with the token" }
    };
    let body = html! {
        div class="narrow panel" {
            h1 { "Sign in" }
            @if let Some(error) = &view.error {
                p class="problem" id="sign-in-error" role="alert" { strong { "Not signed in. " } (error) }
            }
            @if view.slack { p { a class="button primary wide" href=(links::slack_sign_in(&view.next)) { "Sign in with Slack" } } }
            @if view.slack && view.token { p class="or" { span { "or" } } }
            @if view.token { (post(links::SESSION, "stack", &frame.csrf, &token)) }
            @if !view.slack && !view.token {
                p { "No way to sign in is configured. Configure Slack or tokens in the settings under " code { "auth" } ", then load this page again." }
            }
        }
    };
    layout::whole("Sign in", frame, &body)
}
