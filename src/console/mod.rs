//! The console: whole HTML pages out of view models, for people with a browser. Pure: no store, no server, no clock.
//!
//! Each page is a function of what it shows and of what surrounds it. Nothing here trusts a text: all of it is escaped, and
//! addresses from outside are judged by [`links`]. The pages work without the script, under [`POLICY`].

pub mod links;
pub mod views;

mod views_acts;
mod views_incident;
mod views_system;

mod chart;
mod diff;
mod evidence;
mod layout;
mod parts;
mod report;
mod runbooks;

pub mod accuracy;
pub mod agents;
pub mod approvals;
pub mod audit;
pub mod confirm;
pub mod failure;
pub mod incident;
pub mod incidents;
pub mod run;
pub mod sign_in;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

/// The style sheet, served at [`links::style`] as `text/css; charset=utf-8`.
pub const STYLE: &str = include_str!("console.css");

/// The script, served at [`links::script`] as `text/javascript; charset=utf-8`. No page needs it.
pub const SCRIPT: &str = include_str!("console.js");

/// The content security policy of every page.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; \
                          frame-ancestors 'none'; base-uri 'none'";
