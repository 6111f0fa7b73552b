//! Where alerts go, and what the router says about it.

use super::*;

fn route(name: &str) -> Vec<String> {
    Router::embedded().route(&Alert { name: name.into(), ..Alert::default() }).agents
}

#[test]
fn products_and_phrases_decide() {
    assert_eq!(route("MongodbReplicationLag"), ["database"]);
    assert_eq!(route("PostgreSQLTooManyLocks"), ["database"]);
    assert_eq!(route("HAProxyServerQueueGrows"), ["network"]);
    assert_eq!(route("kube_node_disk_pressure"), ["infrastructure"]);
    assert_eq!(route("etcdDatabaseSpace"), ["infrastructure"]);
    assert_eq!(route("Connection pool of billing exhausted").first().map(String::as_str), Some("database"));
    assert_eq!(route("Unhandled exception in cart").first().map(String::as_str), Some("application"));
}

#[test]
fn symptoms_go_to_all_and_heartbeats_to_nobody() {
    let agents = route("CheckoutErrorRateHigh");
    assert_eq!((agents.len(), agents.last().map(String::as_str)), (4, Some("application")));
    assert_eq!(route("NginxHigh5xxErrorRate")[0], "network");
    assert!(route("Watchdog").is_empty() && route("DeadMansSwitch").is_empty());
    assert_eq!(route("Zzz").len(), 4);
}

#[test]
fn labels_count() {
    let labels =
        [("job", "integrations/mysql_exporter"), ("namespace", "shop")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let routing = Router::embedded().route(&Alert { name: "TooManyThings".into(), labels, ..Alert::default() });
    assert_eq!(routing.agents[0], "database");
    assert_eq!(routing.reasons[0], "label job: `mysql` is a database word");
    let labels = [("consumergroup".to_owned(), "x".to_owned())].into();
    assert_eq!(Router::embedded().route(&Alert { name: "Zzz".into(), labels, ..Alert::default() }).agents, ["database"]);
}

#[test]
fn reasons_are_sentences() {
    let routing = Router::embedded().route(&Alert { name: "MongodbReplicationLag".into(), ..Alert::default() });
    assert!(routing.reasons.contains(&"name `MongodbReplicationLag`: `mongodb` is a database word".to_owned()), "{:?}", routing.reasons);
}

#[test]
fn questions_route_too() {
    let routing = Router::embedded().route_question("why are queries to postgres slow?");
    assert_eq!(routing.agents[0], "database");
    assert_eq!(Router::embedded().route_question("is DNS broken?").agents, ["network"]);
}

#[test]
fn own_rules_come_first_and_wrong_ones_are_explained() {
    let own = |text: &str| format!("{text}\nareas:\n  database: {{products: [redis]}}\n");
    let router = Router::from_yaml(&own("overrides:\n  - {match: '^Redis', agents: [application, database]}")).unwrap();
    let routing = router.route(&Alert { name: "RedisDown".into(), ..Alert::default() });
    assert_eq!(routing.agents, ["application", "database"]);
    assert_eq!(routing.reasons, ["name `RedisDown` matches your rule `^Redis`"]);
    let wrong = |text: &str| Router::from_yaml(&own(text)).unwrap_err().to_string();
    assert_eq!(
        wrong("overrides:\n  - {match: x, agents: [dba]}"),
        "line 2: `overrides.agents`: `dba` is no agent; allowed are network, database, infrastructure, application"
    );
    assert_eq!(wrong("heartbeats: ['(']"), "line 1: `heartbeats`: `(` is not a regular expression");
    let unknown = wrong("heartbeat: []");
    assert!(unknown.contains("line 1") && unknown.contains("heartbeat") && unknown.contains("allowed"), "{unknown}");
}

#[test]
fn words_are_cut_like_people_read_them() {
    assert_eq!(terms::words("etcdGRPCRequestsSlow"), ["etcd", "grpc", "request", "slow"]);
    assert_eq!(terms::words("kube_pod-status/ready"), ["kube", "pod", "status", "ready"]);
}

#[test]
fn hostile_names_are_only_words() {
    let router = Router::embedded();
    for name in ["", "\u{0}", "🦀🦀", &"A".repeat(1 << 20), "((((", "<!channel>"] {
        let _ = router.route(&Alert { name: name.to_owned(), ..Alert::default() });
    }
}
