use proptest::prelude::*;

use super::*;

fn mine(lines: &[&str]) -> Templates {
    let mut miner = Miner::default();
    lines.iter().for_each(|line| miner.add(line));
    miner.finish()
}

fn groups(lines: &[&str]) -> Vec<u32> {
    mine(lines).of_line
}

#[test]
fn numbers_addresses_and_paths_are_values() {
    assert_eq!(
        groups(&[
            "Received block blk_38 of size 91178 from /10.250.10.6",
            "Received block blk_-99 of size 5 from /10.250.10.7:50010",
            "Deleting block blk_38 file /data/current/blk_38",
            "Served block in 5.2 KB",
            "Served block in 17 B",
        ]),
        [0, 0, 1, 2, 2]
    );
}

#[test]
fn names_are_values_and_verbs_are_not() {
    let mut lines: Vec<String> = Vec::new();
    for name in ["ana", "ben", "cleo", "dan", "eve", "finn"] {
        lines.push(format!("session opened for user {name} by (uid=0)"));
        lines.push(format!("session closed for user {name} by (uid=0)"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let found = mine(&lines);
    let texts: Vec<&str> = found.templates.iter().map(|template| template.text.as_str()).collect();
    assert_eq!(texts, ["session opened for user <*> by (uid=<*>)", "session closed for user <*> by (uid=<*>)"]);
}

#[test]
fn templates_read_as_people_write() {
    let text = |line: &str| mine(&[line]).templates.remove(0).text;
    assert_eq!(text("can't open 3 file(s): \"/tmp/a\" (errno=2), call() of 'x' failed"), {
        "can't open <*> file(s): \"<*>\" (errno=<*>), call() of 'x' failed"
    });
    assert_eq!(text("upstream: \"http://10.0.0.1:80/a\", host: \"shop\""), "upstream: \"<*>\", host: \"shop\"");
}

#[test]
fn lists_of_any_length_are_one_value() {
    assert_eq!(groups(&["delete blk_1", "delete blk_1 blk_2", "delete blk_1 blk_2 blk_3"]), [0, 0, 0]);
}

#[test]
fn a_status_is_part_of_the_statement() {
    assert_eq!(groups(&["done with status 200 in 3ms", "done with status 500 in 3ms", "done with status 200 in 9ms"]), [0, 1, 0]);
}

#[test]
fn a_state_is_part_of_the_statement() {
    assert_eq!(
        groups(&["task 1 went from NEW to RUNNING", "task 2 went from RUNNING to DONE", "task 3 went from NEW to RUNNING"]),
        [0, 1, 0]
    );
}

/// The groups of one line with each of `words` in the place of `{}`, ten times each.
fn with_words(line: &str, words: &[&str]) -> usize {
    let lines: Vec<String> =
        words.iter().flat_map(|word| (0..10).map(move |n| line.replace("{}", word).replace("{n}", &n.to_string()))).collect();
    mine(&lines.iter().map(String::as_str).collect::<Vec<_>>()).templates.len()
}

#[test]
fn few_names_are_values_where_names_stand() {
    assert_eq!(with_words("connection to {} refused after {n} ms", &["db.example", "mail.example"]), 1);
    assert_eq!(with_words("user '{}' was locked after {n} tries", &["ana", "bo"]), 1);
    assert_eq!(with_words("lock={n}, force={}, delayed=no", &["true", "false"]), 1);
    assert_eq!(with_words("power supplies ( {} off ) of tray {n}", &["on", "off"]), 1);
    assert_eq!(with_words("sent {n} bytes, request: \"{} /index\"", &["GET", "POST"]), 1);
}

#[test]
fn few_words_are_statements_elsewhere() {
    assert_eq!(with_words("{} (command {n})", &["boot", "halt", "wait", "start", "stop", "reset"]), 6);
    assert_eq!(with_words("login failed for user {} after {n} tries", &["root", "news"]), 2);
    assert_eq!(with_words("received intent.action.{} at {n}", &["SCREEN_ON", "SCREEN_OFF", "TIME_TICK"]), 3);
    assert_eq!(with_words("environment:{}=x{n}", &["java.version", "os.name", "user.home"]), 3);
    assert_eq!(with_words("{} address is {n}", &["IPv4", "IPv6"]), 2);
    assert_eq!(with_words("{}.......{n}", &["wait enable", "debug enable"]), 2);
}

#[test]
fn addresses_and_lists_are_one_value() {
    assert_eq!(
        groups(&[
            "offer to 5c:50:fa:de:18:13 via eth1",
            "offer to ab:cd:ef:aa:bb:cc via eth0",
            "peer db.example:5432 left",
            "peer 10.0.0.1:5432 left",
            "nodes node-[0-31] and node-[3 5 7] are up",
            "nodes node-4 and node-7 are up",
            "fans ( 3552 **** 3375 )",
            "fans ( 3552 3534 3375 )",
            "sets a1 0xff <ok> b2 0xfe <ok>",
            "sets a1 0xff <ok>",
        ]),
        [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    );
}

proptest! {
    #[test]
    fn no_line_is_too_odd(lines in proptest::collection::vec("\\PC{0,60}", 0..20)) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let found = mine(&lines);
        prop_assert_eq!(found.of_line.len(), lines.len());
        prop_assert_eq!(found.templates.iter().map(|template| template.count as usize).sum::<usize>(), lines.len());
    }
}
