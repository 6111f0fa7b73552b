use super::smtp::{Script, Server};
use crate::{
    model::{Clock, Priority},
    notify::{Email, EmailConfig, Kind, Notice, Notifier, NotifyError, Tls, email::is_address},
};

fn notice(to: &[&str]) -> Notice {
    Notice {
        key: "INC-42:escalated:0:1".into(),
        kind: Kind::Escalated,
        priority: Priority::P1,
        incident: "INC-42".into(),
        headline: "checkout is down".into(),
        lines: vec!["since 12:03".into(), "<script>alert('1')</script> & more".into()],
        links: vec![
            ("https://example.slack.com/archives/C1/p1?a=1&b=\"2\"".into(), "Thread".into()),
            ("javascript:alert(1)".into(), "Bad".into()),
        ],
        to: to.iter().map(|to| (*to).to_owned()).collect(),
    }
}

fn config(server: &Server, tls: Tls) -> EmailConfig {
    EmailConfig {
        host: "localhost".into(),
        port: server.port,
        tls,
        user: None,
        password: None,
        from: "On call <sre-agent@example.com>".into(),
        ca: Some(server.ca.clone()),
    }
}

fn email(config: EmailConfig) -> Email {
    Email::new(config, Clock::fixed("2026-03-02T12:05:00Z".parse().unwrap())).unwrap()
}

/// The usual case: a server that does not encrypt, on this machine.
async fn sent(script: Script, notice: &Notice) -> (Server, Result<(), NotifyError>) {
    let server = Server::start(script).await;
    let outcome = email(config(&server, Tls::None)).notify(notice).await;
    (server, outcome)
}

fn header<'a>(text: &'a str, name: &str) -> &'a str {
    let head = text.split("\n\n").next().unwrap();
    head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[tokio::test]
async fn a_notice_arrives_as_text_and_as_escaped_html() {
    let (server, outcome) = sent(Script::default(), &notice(&["ana@example.com", "Ben <ben@example.com>"])).await;
    assert_eq!(outcome, Ok(()));
    let taken = server.only();
    assert_eq!(
        (taken.from.as_str(), taken.to.as_slice()),
        ("sre-agent@example.com", &["ana@example.com".to_owned(), "ben@example.com".to_owned()][..])
    );
    let text = taken.text.replace("=\n", "");
    assert_eq!(header(&text, "Subject"), "[P1] INC-42 escalated: checkout is down");
    assert_eq!(header(&text, "Date"), "Mon, 02 Mar 2026 12:05:00 +0000");
    assert_eq!(header(&text, "Auto-Submitted"), "auto-generated");
    assert!(header(&text, "Message-ID").ends_with("@example.com>"), "{text}");
    assert_eq!(header(&text, "In-Reply-To"), header(&text, "References"));
    let (plain, html) = text.split_once("text/html").unwrap();
    assert!(plain.contains("since 12:03\n<script>alert('1')</script> & more\n"), "{plain}");
    assert!(html.contains("<p>&lt;script&gt;alert('1')&lt;/script&gt; &amp; more</p>"), "{html}");
    assert!(html.contains("a=1&amp;b=&quot;2&quot;\">Thread</a>") || html.contains("a=3D1&amp;b=3D&quot;2&quot;\">Thread</a>"), "{html}");
    assert!(html.contains("<p>Bad: javascript:alert(1)</p>") && !html.contains("href=\"javascript"), "{html}");
}

#[tokio::test]
async fn a_repetition_has_the_same_id_and_an_incident_is_one_thread() {
    let server = Server::start(Script::default()).await;
    let email = email(config(&server, Tls::None));
    let first = notice(&["ana@example.com"]);
    let other = Notice { key: "INC-42:resolved".into(), ..first.clone() };
    for notice in [&first, &first, &other] {
        email.notify(notice).await.unwrap();
    }
    let taken = server.taken.lock().unwrap().clone();
    let of = |at: usize, name: &str| header(&taken[at].text, name).to_owned();
    assert_eq!(of(0, "Message-ID"), of(1, "Message-ID"));
    assert_eq!(taken[0].text, taken[1].text, "nothing in it is by chance");
    assert_ne!(of(0, "Message-ID"), of(2, "Message-ID"));
    assert_eq!(of(0, "References"), of(2, "References"));
}

#[tokio::test]
async fn dots_long_lines_and_letters_of_all_kinds_come_through() {
    let lines =
        vec![".".into(), "..two".into(), ".one".into(), "x".repeat(3000), "späť ✓ 漢".into(), "a\nb\r\n.\r\nQUIT".into(), String::new()];
    let (server, outcome) = sent(Script::default(), &Notice { lines, headline: "späť ✓".into(), ..notice(&["ana@example.com"]) }).await;
    assert_eq!(outcome, Ok(()));
    let text = server.only().text.replace("=\n", "");
    assert!(header(&text, "Subject").contains("=?utf-8?"), "{text}");
    for expected in ["\n.\n", "\n..two\n", "\n.one\n", &"x".repeat(3000), "sp=C3=A4=C5=A5 =E2=9C=93"] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
}

#[tokio::test]
async fn encryption_and_login() {
    let login = Some(("robot", "hunter2secret"));
    for (tls, script) in [
        (Tls::StartTls, Script { offers_starttls: true, login, ..Script::default() }),
        (Tls::Implicit, Script { implicit_tls: true, login, ..Script::default() }),
    ] {
        let server = Server::start(script).await;
        let with = |password: &str| EmailConfig { user: Some("robot".into()), password: Some(password.into()), ..config(&server, tls) };
        assert_eq!(email(with("hunter2secret")).notify(&notice(&["ana@example.com"])).await, Ok(()), "{tls:?}");
        let taken = server.only();
        assert!(taken.encrypted && taken.logged_in, "{tls:?} {taken:?}");
        let refused = email(with("hunter3secret")).notify(&notice(&["ana@example.com"])).await.unwrap_err();
        assert!(matches!(&refused, NotifyError::Never(said) if said.contains("535") && !said.contains("hunter")), "{refused:?}");
        assert!(!format!("{:?}", with("hunter2secret")).contains("hunter"));
        // A certificate that nobody vouches for.
        let strange = EmailConfig { ca: None, ..with("hunter2secret") };
        assert!(matches!(email(strange).notify(&notice(&["ana@example.com"])).await, Err(NotifyError::Later(_))), "{tls:?}");
        assert_eq!(server.taken.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_when_the_server_cannot_encrypt() {
    let server = Server::start(Script { login: Some(("robot", "hunter2secret")), ..Script::default() }).await;
    let config = EmailConfig { user: Some("robot".into()), password: Some("hunter2secret".into()), ..config(&server, Tls::StartTls) };
    let refused = email(config).notify(&notice(&["ana@example.com"])).await.unwrap_err();
    assert!(matches!(&refused, NotifyError::Never(said) if said.contains("STARTTLS")), "{refused:?}");
    assert!(server.taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn refusals_are_sorted_by_whether_it_helps_to_try_again() {
    let answer = |command: &str, answer: &'static str| Script { answers: [(command.to_owned(), answer)].into(), ..Script::default() };
    for (script, later) in [
        (Script { greeting: Some("421 too busy"), ..Script::default() }, true),
        (Script { greeting: Some("554 go away"), ..Script::default() }, false),
        (Script { greeting: Some("HTTP/1.1 400 Bad Request"), ..Script::default() }, true),
        (answer("EHLO", "421 too busy"), true),
        (answer("MAIL", "451 later"), true),
        (answer("MAIL", "553 sender not allowed"), false),
        (answer("RCPT", "450 greylisted"), true),
        (answer("RCPT", "550 no such user"), false),
        (answer("DATA", "452 no space"), true),
        (answer("DATA", "554 no"), false),
        (Script { text: Some("451 later"), ..Script::default() }, true),
        (Script { text: Some("554 spam"), ..Script::default() }, false),
        (Script { login: Some(("a", "b")), ..Script::default() }, false),
    ] {
        let (server, outcome) = sent(script, &notice(&["ana@example.com"])).await;
        let error = outcome.unwrap_err();
        assert_eq!(matches!(error, NotifyError::Later(_)), later, "{error:?}");
        assert!(server.taken.lock().unwrap().is_empty(), "{error:?}");
    }
    let gone = Server::start(Script::default()).await;
    let mut nowhere = config(&gone, Tls::None);
    nowhere.port = 1;
    assert!(matches!(email(nowhere).notify(&notice(&["ana@example.com"])).await, Err(NotifyError::Later(_))));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up_after_ten_seconds() {
    let server = Server::start(Script { silent: true, ..Script::default() }).await;
    let email = email(config(&server, Tls::None));
    let began = tokio::time::Instant::now();
    let error = email.notify(&notice(&["ana@example.com"])).await.unwrap_err();
    assert!(matches!(error, NotifyError::Later(_)), "{error:?}");
    assert!((9..=11).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_refused_address_does_not_keep_the_message_from_the_others() {
    let all = ["ana@example.com", "ben@example.com", "cem@example.com"];
    let refusing = |answer: &'static str| Script { answers: [("RCPT ben@example.com".to_owned(), answer)].into(), ..Script::default() };
    let (server, outcome) = sent(refusing("550 no such user"), &notice(&all)).await;
    let error = outcome.unwrap_err();
    assert!(
        matches!(&error, NotifyError::Never(said) if said.contains("ben@example.com") && said.contains("2 of the recipients have it")),
        "{error:?}"
    );
    assert_eq!(server.only().to, ["ana@example.com", "cem@example.com"]);

    let server = Server::start(refusing("450 greylisted")).await;
    let email = email(config(&server, Tls::None));
    assert!(matches!(email.notify(&notice(&all)).await, Err(NotifyError::Later(_))));
    assert!(matches!(email.notify(&notice(&all)).await, Err(NotifyError::Later(_))), "only ben is tried again");
    assert_eq!(server.only().to, ["ana@example.com", "cem@example.com"]);
}

#[tokio::test]
async fn no_text_begins_a_header_or_a_command() {
    let server = Server::start(Script::default()).await;
    let email = email(config(&server, Tls::None));
    for to in [
        "ana@example.com\r\nRCPT TO:<eve@example.com>",
        "ana@example.com\nBcc: eve@example.com",
        "ana@example.com>\r\nDATA",
        "Ana\r\nBcc: eve@example.com <ana@example.com>",
        "ana",
        "",
        "ana@example.com, eve@example.com",
        "\"a b\"@example.com",
        "änne@example.com",
        "ana@example.com\0",
    ] {
        let outcome = email.notify(&notice(&["ben@example.com", to])).await;
        assert!(matches!(outcome, Err(NotifyError::Never(_))), "{to:?}: {outcome:?}");
        assert!(!is_address(to), "{to:?}");
    }
    for headline in ["down\r\nBcc: eve@example.com", "down\nX: y", "down\r", "down\0"] {
        let outcome = email.notify(&Notice { headline: headline.into(), ..notice(&["ana@example.com"]) }).await;
        assert!(matches!(outcome, Err(NotifyError::Never(_))), "{headline:?}: {outcome:?}");
        let outcome = email.notify(&Notice { incident: headline.into(), ..notice(&["ana@example.com"]) }).await;
        assert!(matches!(outcome, Err(NotifyError::Never(_))), "{headline:?}: {outcome:?}");
    }
    let many: Vec<String> = (0..51).map(|at| format!("p{at}@example.com")).collect();
    for to in [many.clone(), Vec::new()] {
        assert!(matches!(email.notify(&Notice { to, ..notice(&[]) }).await, Err(NotifyError::Never(_))));
    }
    assert_eq!(*server.connections.lock().unwrap(), 0, "nothing of it reached a server");
    let to = many[..50].to_vec();
    assert_eq!(email.notify(&Notice { to, ..notice(&[]) }).await, Ok(()));
    assert_eq!(server.only().to.len(), 50);
}

#[test]
fn all_that_is_wrong_with_the_settings_is_said_at_once() {
    let config = EmailConfig {
        host: "mail.example.com".into(),
        port: 25,
        tls: Tls::None,
        user: Some("robot".into()),
        password: None,
        from: "nobody".into(),
        ca: None,
    };
    let clock = Clock::fixed("2026-03-02T12:05:00Z".parse().unwrap());
    let Err(wrong) = Email::new(config.clone(), clock.clone()) else { panic!("taken") };
    for said in ["`from`", "`tls: none`", "`password`"] {
        assert!(wrong.to_string().contains(said), "{said} in {wrong}");
    }
    for (host, fine) in
        [("localhost", true), ("127.0.0.1", true), ("::1", true), ("127.0.0.1.example.com", false), ("localhost.example.com", false)]
    {
        let config = EmailConfig { host: host.into(), user: None, from: "a@example.com".into(), ..config.clone() };
        assert_eq!(Email::new(config, clock.clone()).is_ok(), fine, "{host}");
    }
    let ca = EmailConfig { tls: Tls::StartTls, user: None, from: "a@example.com".into(), ca: Some(b"nothing".to_vec()), ..config };
    assert!(Email::new(ca, clock).is_err());
}
