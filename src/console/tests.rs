//! Structure, escaping and links of every page.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    accuracy, agents, approvals, audit, confirm, failure, incident, incidents, links, parts, run, samples, sign_in,
    views::{self, *},
};

/// A page of every kind, with rich content and with none.
fn every_page() -> Vec<(&'static str, String)> {
    let at = |place| samples::frame(Some(place));
    let missing = Failure::NotFound { what: "INC-4711".to_owned() };
    vec![
        ("sign in", sign_in::page(&samples::sign_in(), &Frame::default())),
        ("sign in, wrong", sign_in::page(&samples::sign_in_wrong(), &Frame::default())),
        ("sign in, nothing configured", sign_in::page(&SignIn::default(), &Frame::default())),
        ("incidents", incidents::page(&samples::incidents(), &at(Place::Incidents))),
        ("no incidents", incidents::page(&Incidents::default(), &at(Place::Incidents))),
        ("incident", incident::page(&samples::incident(), &at(Place::Incidents))),
        ("new incident", incident::page(&samples::incident_new(), &at(Place::Incidents))),
        ("approvals", approvals::page(&samples::approvals(), &at(Place::Approvals))),
        ("no approvals", approvals::page(&Approvals::default(), &at(Place::Approvals))),
        ("confirm", confirm::page(&samples::confirm(0), &at(Place::Approvals))),
        ("confirm, refused", confirm::page(&samples::confirm(1), &at(Place::Approvals))),
        ("run", run::page(&samples::run(), &at(Place::Approvals))),
        ("new run", run::page(&samples::run_new(), &at(Place::Approvals))),
        ("agents", agents::page(&samples::agents(), &at(Place::Agents))),
        ("no agents", agents::page(&Agents::default(), &at(Place::Agents))),
        ("accuracy", accuracy::page(&samples::accuracy(), &at(Place::Accuracy))),
        ("no accuracy", accuracy::page(&Accuracy::default(), &at(Place::Accuracy))),
        ("audit", audit::page(&samples::audit(), &at(Place::Audit))),
        ("no audit", audit::page(&Audit::default(), &at(Place::Audit))),
        ("failure", failure::page(&missing, &samples::frame(None))),
    ]
}

/// The values of an attribute, in the order of the page.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The tags with a name, without their brackets.
fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    html.split('<').filter_map(|rest| rest.split('>').next()).filter(|tag| tag.split(' ').next() == Some(name)).collect()
}

#[test]
fn every_page_has_its_landmarks_one_heading_and_no_double_id() {
    for (name, html) in every_page() {
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\""), "{name}");
        for once in ["main", "h1", "title", "header", "footer"] {
            let wanted = if once == "title" { html.split("<svg").next().unwrap() } else { &html };
            assert_eq!(tags(wanted, once).len(), 1, "{name}: {once}");
        }
        assert!(html.contains("class=\"skip\" href=\"#main\""), "{name}");
        let mut ids = values(&html, "id");
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}: an id is there twice");
        for target in ["for", "aria-labelledby", "aria-describedby"].iter().flat_map(|attribute| values(&html, attribute)) {
            for id in target.split(' ') {
                assert!(ids.binary_search(&id).is_ok(), "{name}: nothing has the id {id}");
            }
        }
    }
}

#[test]
fn nothing_on_a_page_needs_more_than_the_policy_allows() {
    for (name, html) in every_page() {
        assert_eq!(tags(&html, "script").len(), 1, "{name}: only our own script");
        assert!(tags(&html, "script")[0].contains("src=\"/assets/console.js"), "{name}");
        for forbidden in [" style=\"", "<style", " onclick=", " onsubmit=", "<iframe", "<base", "javascript:\"", "href=\"javascript"] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
        assert!(values(&html, "action").iter().all(|action| links::safe_path(action).is_some()), "{name}: forms stay here");
    }
    assert!(!super::STYLE.contains("@import") && !super::STYLE.contains("http"));
    assert!(!super::SCRIPT.contains("innerHTML") && !super::SCRIPT.contains("eval("));
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for (name, html) in every_page() {
        for form in html.split("<form ").skip(1).filter_map(|rest| rest.split("</form>").next()) {
            let posts = form.starts_with("method=\"post\"");
            assert_eq!(posts, form.contains("name=\"csrf\""), "{name}: {form}");
        }
    }
    assert!(!format!("{:?}", samples::frame(None)).contains("c5f0a1"), "the token does not show in Debug");
}

#[test]
fn every_control_has_a_label_and_every_head_a_scope() {
    for (name, html) in every_page() {
        let labelled = values(&html, "for");
        for tag in ["input", "select", "textarea"].iter().flat_map(|tag| tags(&html, tag)).filter(|tag| !tag.contains("type=\"hidden\"")) {
            let id = values(tag, "id");
            assert!(id.first().is_some_and(|id| labelled.contains(id)), "{name}: {tag}");
        }
        assert!(tags(&html, "th").iter().all(|tag| tag.contains(" scope=")), "{name}");
        assert!(tags(&html, "img").iter().all(|tag| tag.contains(" alt=")), "{name}");
        assert!(tags(&html, "time").iter().all(|tag| tag.contains(" datetime=")), "{name}");
    }
}

/// Replaces every text of a view, and says that only names of variants and times were left.
fn hostile<T: Serialize + DeserializeOwned + Clone>(view: &T) -> T {
    let view = samples::hostile(view, samples::HOSTILE);
    let value = serde_json::to_value(&view).unwrap();
    let mut places = Vec::new();
    samples::strings(&value, String::new(), &mut places);
    let left = places.iter().map(|place| (place, value.pointer(place).and_then(|text| text.as_str()).unwrap_or_default()));
    for (place, text) in left.filter(|(_, text)| *text != samples::HOSTILE) {
        let is_name = text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(is_name || text.parse::<jiff::Timestamp>().is_ok(), "{place} still says {text}");
    }
    view
}

#[test]
fn no_text_breaks_out_wherever_it_stands() {
    let frame = samples::hostile_frame(samples::HOSTILE);
    let failures = [
        Failure::Forbidden { permission: "x".to_owned() },
        Failure::NotFound { what: "x".to_owned() },
        Failure::Unavailable { reason: "x".to_owned(), retry_seconds: Some(u64::MAX) },
    ];
    let mut pages = vec![
        sign_in::page(&hostile(&samples::sign_in_wrong()), &frame),
        incidents::page(&hostile(&samples::incidents()), &frame),
        incident::page(&hostile(&samples::incident()), &frame),
        approvals::page(&hostile(&samples::approvals()), &frame),
        confirm::page(&hostile(&samples::confirm(0)), &frame),
        confirm::page(&hostile(&samples::confirm(1)), &frame),
        run::page(&hostile(&samples::run()), &frame),
        agents::page(&hostile(&samples::agents()), &frame),
        accuracy::page(&hostile(&samples::accuracy()), &frame),
        audit::page(&hostile(&samples::audit()), &frame),
    ];
    pages.extend(failures.iter().map(|one| failure::page(&hostile(one), &frame)));
    for html in pages {
        assert_eq!(tags(&html, "script").len(), 1, "only our own script");
        assert!(!html.contains("<script>") && !html.contains("<img src=x"));
        assert!(html.contains("&lt;script&gt;alert(1)"), "the text is shown as text");
        for address in ["href", "src", "action"].iter().flat_map(|attribute| values(&html, attribute)) {
            let ours = links::safe_path(address).is_some()
                || address == "data:,"
                || (address.starts_with('#') && links::anchor(&address[1..]).is_some());
            assert!(ours, "{address}");
        }
    }
}

#[test]
fn only_http_addresses_become_links() {
    for fine in ["https://example.org", "http://example.org:9090/graph?g0.expr=up#x", "HTTPS://EXAMPLE.ORG/a"] {
        assert_eq!(links::safe_href(fine), Some(fine));
    }
    for bad in [
        "",
        "javascript:alert(1)",
        " https://example.org",
        "java\nscript:alert(1)",
        "https:example.org",
        "//example.org",
        "/incidents",
        "data:text/html,x",
        "ftp://example.org",
        "https://",
        "https:///x",
        "https://ours.example@elsewhere.example/",
        "https://example.org/\u{0}",
        "https://a\\b",
        "vbscript:x",
        "héttps://x",
    ] {
        assert_eq!(links::safe_href(bad), None, "{bad:?}");
    }
    let html = incident::page(&samples::incident(), &samples::frame(None));
    assert!(html.contains("href=\"https://grafana.example.org/d/pods?var-pod=checkout-worker\" rel=\"noopener noreferrer external\""));
    assert!(html.contains("<code>javascript:alert(1)</code>"), "what is no link is text");
}

#[test]
fn pictures_and_ways_back_stay_on_this_server() {
    assert_eq!(links::safe_path("/incidents/INC-1?x=y"), Some("/incidents/INC-1?x=y"));
    for bad in
        ["", "//elsewhere.example", "/\\elsewhere.example", "https://elsewhere.example", "incidents", "/a b", "/\n/elsewhere.example"]
    {
        assert_eq!(links::safe_path(bad), None, "{bad:?}");
    }
    assert!(links::safe_image("data:image/png;base64,AAAA").is_some());
    for bad in ["data:text/html,<script>", "https://elsewhere.example/x.png", "data:image/svg+xml,<svg onload=alert(1)>"] {
        assert_eq!(links::safe_image(bad), None, "{bad:?}");
    }
    let away = SignIn { slack: true, next: "//elsewhere.example".to_owned(), ..SignIn::default() };
    assert!(!sign_in::page(&away, &Frame::default()).contains("elsewhere"));
}

#[test]
fn an_id_is_one_segment_of_an_address() {
    assert_eq!(links::incident("a/../b?c#d"), "/incidents/a%2F..%2Fb%3Fc%23d");
    assert_eq!(links::incident(".."), "/incidents/_");
    assert_eq!(links::query(&[("a", ""), ("b", "x y&z"), ("c", "é")]), "?b=x%20y%26z&c=%C3%A9");
    assert_eq!(links::anchor("E1"), Some("E1"));
    assert_eq!(links::anchor("E1\" onclick"), None);
}

#[test]
fn an_act_is_there_only_when_the_view_allows_it() {
    let mut view = samples::incident();
    let has = |view: &Incident, act: Act| {
        incident::page(view, &samples::frame(None)).contains(&format!("action=\"/incidents/INC-412/{}\"", act.as_str()))
    };
    for act in view.acts.clone() {
        assert!(has(&view, act), "{act:?}");
    }
    view.acts = vec![Act::Reopen];
    for act in [Act::Acknowledge, Act::Resolve, Act::Rerun, Act::AssignToMe, Act::Silence] {
        assert!(!has(&view, act), "{act:?}");
    }
    view.feedback = Feedback::default();
    assert!(!incident::page(&view, &samples::frame(None)).contains("/feedback\""));
}

#[test]
fn an_approval_takes_two_pages_and_is_bound_to_its_dry_run() {
    let list = approvals::page(&samples::approvals(), &samples::frame(None));
    assert!(list.contains("href=\"/approvals/01J9RUN2/approve\"") && !list.contains("action=\"/approvals/01J9RUN2/approve\""));
    assert!(!list.contains("/approvals/01J9RUN3/approve\""), "one's own cannot be approved");
    assert!(list.contains("you asked for it yourself: a second person must approve"));
    let confirm = confirm::page(&samples::confirm(0), &samples::frame(None));
    assert!(confirm.contains("action=\"/approvals/01J9RUN2/approve\"") && confirm.contains("name=\"hash\" value=\"9f2c4be0"));
    assert!(!confirm::page(&samples::confirm(1), &samples::frame(None)).contains("action=\"/approvals/"));
}

#[test]
fn a_citation_leads_to_evidence_that_is_there() {
    let html = incident::page(&samples::incident(), &samples::frame(None));
    assert!(html.contains("href=\"#E1\"") && html.contains("id=\"E1\""));
    assert!(html.contains("<span class=\"cite\">E9</span>"), "what is not on the page is no link");
}

#[test]
fn a_diff_is_told_apart_by_sign_and_by_words() {
    let diff = Diff::read("+new\n-old\n same\nbare", 3);
    let kinds: Vec<(DiffKind, &str)> = diff.lines.iter().map(|line| (line.kind, line.text.as_str())).collect();
    assert_eq!(kinds, [(DiffKind::Added, "new"), (DiffKind::Removed, "old"), (DiffKind::Same, "same")]);
    assert_eq!(diff.left_out, 1);
    let html = super::diff::block(&diff, "x").into_string();
    assert!(html.contains("<ins><span class=\"unseen\">added: </span><span class=\"sign\" aria-hidden=\"true\">+</span>new</ins>"));
    assert!(html.contains("removed: ") && html.contains("And 1 line more"));
}

#[test]
fn paging_keeps_the_filters() {
    let mut view = samples::incidents();
    view.filters.service = "a&b".to_owned();
    let html = incidents::page(&view, &samples::frame(None));
    assert!(html.contains("href=\"/incidents?service=a%26b&amp;text=node&amp;after=01J9A1\""));
    assert!(html.contains("href=\"/incidents?service=a%26b&amp;text=node&amp;before=01J9Z3\""));
}

#[test]
fn the_navigation_says_where_one_is() {
    let html = audit::page(&samples::audit(), &samples::frame(Some(Place::Audit)));
    assert_eq!(values(&html, "aria-current"), ["page"]);
    assert!(html.contains("href=\"/audit\" aria-current=\"page\""));
    let few = Frame { places: vec![Place::Incidents], ..samples::frame(None) };
    assert!(!audit::page(&samples::audit(), &few).contains("href=\"/approvals\""));
}

#[test]
fn numbers_and_times_are_told_in_words() {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let now = at("2026-11-27T06:00:00Z");
    for (time, words) in [
        ("2026-11-27T05:59:58Z", "just now"),
        ("2026-11-27T05:59:20Z", "40 s ago"),
        ("2026-11-27T05:48:00Z", "12 min ago"),
        ("2026-11-27T06:04:00Z", "in 4 min"),
        ("2026-11-20T06:00:00Z", "7 d ago"),
    ] {
        assert_eq!(parts::ago(at(time), now), words);
    }
    parts::ago(jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    assert_eq!(parts::number(1_204), "1,204");
    assert_eq!(parts::number(u64::MAX), "18,446,744,073,709,551,615");
    assert_eq!([0.934, -1.0, 7.0, f64::NAN, f64::INFINITY].map(parts::percent), [93, 0, 100, 0, 100]);
    assert_eq!([48, 1_200, 40_000, 200_000].map(parts::duration), ["48 ms", "1.2 s", "40 s", "3 min 20 s"]);
}

#[test]
fn the_chart_bears_any_number() {
    for value in [0, 1, 3, 27, 100, u64::MAX] {
        let week = Week { begins: "2026-11-23".to_owned(), correct: value, one_hop_short: value, wrong: value };
        let html = super::chart::weeks(&vec![week; 60]).into_string();
        assert!(html.contains("role=\"img\"") && html.contains("26 weeks: "), "{value}");
        assert!(!html.contains("NaN") && !html.contains("height=\"-"), "{value}");
    }
    assert!(!super::chart::weeks(&[]).into_string().contains("NaN"));
}

#[test]
fn an_unjudged_service_says_how_to_judge() {
    let html = accuracy::page(&views::Accuracy { reports: 3, ..views::Accuracy::default() }, &samples::frame(None));
    assert!(html.contains("No report was judged yet.") && html.contains("under Feedback"));
    assert!(!html.contains("<svg"));
}
