use std::{collections::BTreeMap, fs};

use super::{ConfigErrors, load};

fn environment() -> BTreeMap<String, String> {
    [("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_SIGNING_SECRET", "12345678"), ("SLACK_CHANNEL", "C1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn errors(yaml: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yaml");
    fs::write(&file, yaml).unwrap();
    match load(Some(&file), &environment()) {
        Ok(_) => Vec::new(),
        Err(ConfigErrors(errors)) => errors.into_iter().map(|error| error.replace(&file.display().to_string(), "FILE")).collect(),
    }
}

#[test]
fn the_settings_that_come_with_the_program_are_valid() {
    let settings = load(None, &environment()).unwrap();
    assert_eq!(settings.pipeline.channel, "C1");
    assert_eq!(settings.pipeline.workers, 4);
    assert!(settings.api_token.is_none() && settings.bundle.is_none());
}

#[test]
fn every_error_is_told_at_once_with_its_key_and_what_is_allowed() {
    let found = errors(
        "server: {listen: nowhere}\nslack: {bot_token: abc, signing_secret: '${NOT_SET}', chanel: C1, channel: '#alerts'}\npipeline: {workers: 900}\nlog: info\n",
    );
    insta::assert_snapshot!(found.join("\n"), @r"
    FILE: `server.listen` wants an address and a port, like 127.0.0.1:3000 or 0.0.0.0:3000
    FILE: `slack.bot_token` wants a bot token of your Slack app: it starts with xoxb- (set SLACK_BOT_TOKEN)
    FILE: `slack.signing_secret` wants the variable NOT_SET in the environment
    FILE: `slack.signing_secret` wants the signing secret of your Slack app (set SLACK_SIGNING_SECRET)
    FILE: `slack.channel` wants a channel id like C0123456789 (in Slack: channel details, at the bottom; set SLACK_CHANNEL)
    FILE: `pipeline.workers` wants a whole number from 1 to 64
    FILE: `slack.chanel` is not a setting; did you mean `slack.channel`?
    ");
}

#[test]
fn an_api_that_others_can_reach_wants_a_token() {
    let found = errors("server: {listen: '0.0.0.0:3000'}\nslack: {bot_token: xoxb-1, signing_secret: '12345678', channel: C1}\n");
    assert_eq!(
        found,
        ["FILE: `api.token` wants a token, because `server.listen` is reachable from other machines (set SRE_AGENT_API_TOKEN)"]
    );
}

#[test]
fn a_section_that_is_a_single_value_is_no_section() {
    let found = errors("store: /data/x.db\nserver:\nslack: {bot_token: xoxb-1, signing_secret: '12345678', channel: C1}\n");
    assert_eq!(found, ["FILE: `store` wants its settings below it, indented"]);
}

#[test]
fn a_file_that_is_not_there_or_no_yaml_is_one_clear_error() {
    let Err(ConfigErrors(missing)) = load(Some("no/such.yaml".as_ref()), &environment()) else { panic!("accepted") };
    assert!(missing[0].starts_with("no/such.yaml: cannot be read"), "{missing:?}");
    assert!(errors("a: [1\nb: {").first().unwrap().contains("is not readable as YAML"));
}

#[test]
fn no_error_shows_a_secret() {
    let found = errors("slack: {bot_token: wrong-s3cret-value, signing_secret: short, channel: C1}\n").join("\n");
    assert!(!found.contains("s3cret") && !found.contains("short"), "{found}");
}

#[test]
fn a_services_file_beside_the_settings_is_read_and_its_mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yaml");
    fs::write(&file, "slack: {bot_token: xoxb-1, signing_secret: '12345678', channel: C1}\n").unwrap();
    fs::write(folder.path().join("services.yaml"), "services: [{name: checkout, team: payments}]").unwrap();
    let settings = load(Some(&file), &environment()).unwrap();
    assert_eq!(settings.rules.services.of("checkout").unwrap().team, "payments");
    fs::write(folder.path().join("services.yaml"), "services: [{name: checkout, runbooks: [{title: x, url: ftp://y}]}]").unwrap();
    let Err(ConfigErrors(errors)) = load(Some(&file), &environment()) else { panic!("accepted") };
    assert!(errors[0].contains("services.yaml: services: `checkout`: a link wants"), "{errors:?}");
}

#[test]
fn what_is_wrong_with_a_source_is_told_by_its_key() {
    let found = errors(
        "slack: {bot_token: xoxb-1, signing_secret: '12345678', channel: C1}\nsources:\n  kubernetes: {Prod: {in_cluster: maybe}, eu: {url: 'https://x:6443'}}\n  mongodb: {a: {uri: 'http://x'}}\n  prometheus: {main: {url: 'http://user:pass@x'}}\n  signoz: {main: {url: 'https://x'}}\n  elasticsearch: {main: {url: 'https://x', index: 'a b'}}\n  github: {main: {token: t, repositories: ['../x']}}\n  mcp: {w: {url: 'https://x', command: [a], tools: {t: {pin: abc, topic: nothing}}}}\n  loki: {main: {url: 'http://x', ca_file: /nowhere}}\n  limits: {timeout: 60s}\n  prometeus: {main: {url: 'http://x'}}\n",
    );
    for key in [
        "`sources.kubernetes.Prod` wants a name of small letters",
        "`sources.kubernetes.Prod.in_cluster` wants `true` or `false`",
        "`sources.kubernetes.eu.token` wants a token beside the `url`",
        "`sources.mongodb.a.uri` wants a connection string",
        "`sources.prometheus.main.url` wants an http(s) address without user and password in it",
        "`sources.signoz.main.api_key` wants a key of that system",
        "`sources.elasticsearch.main.index` wants names of indices",
        "`sources.github.main.repositories` wants a list such as [acme/checkout]",
        "`sources.mcp.w` wants either a `url` or a `command`",
        "`sources.mcp.w.tools.t.pin` wants the pin that `sre-agent doctor` shows",
        "`sources.mcp.w.tools.t.topic` wants to be empty or one of",
        "`sources.loki.main.ca_file` wants the path of a file with certificates",
        "`sources.limits.timeout` wants 1s to 8s",
        "`sources.prometeus.main.url` is not a setting; did you mean `sources.prometheus.main.url`?",
    ] {
        assert!(found.iter().any(|error| error.contains(key)), "no `{key}` in {found:#?}");
    }
    assert!(!found.join("\n").contains("user:pass"), "{found:#?}");
}
