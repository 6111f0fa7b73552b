//! The scoring rules, on scenarios made for them.

use std::fs;

use super::run;

const POD: &str = r#"{"kind":"Pod","metadata":{"name":"cart-7c5ddbdf54-x2x9v","namespace":"shop"},"spec":{"containers":[{"name":"main","resources":{"limits":{"memory":"64Mi"}}}]},
"status":{"phase":"Running","containerStatuses":[{"name":"main","ready":false,"restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"reason":"OOMKilled","exitCode":137}}}]}}"#;

fn scenario(folder: &std::path::Path, id: &str, expect: &str) {
    let at = folder.join(id.replace('/', "_"));
    fs::create_dir_all(at.join("bundle")).unwrap();
    fs::write(at.join("bundle/pod.json"), POD).unwrap();
    fs::write(at.join("scenario.yaml"), format!("id: {id}\nquestion: What is wrong with cart?\nunknown_key: 1\nexpect: {expect}\n"))
        .unwrap();
}

#[tokio::test]
async fn marks_follow_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "a/right", "{outcome: root_cause, all_of: [oom ?killed, 64Mi], entity: 'shop/cart$'}");
    scenario(folder.path(), "a/wrong", "{outcome: root_cause, all_of: [certificate]}");
    scenario(folder.path(), "a/forbidden", "{outcome: root_cause, all_of: [oom], none_of: [oomkilled]}");
    scenario(folder.path(), "b/silent", "{outcome: no_problem}");
    let scores = run(folder.path(), &|_| ()).await.unwrap();
    let top1: Vec<(&str, bool)> = scores.scenarios.iter().map(|score| (score.id.as_str(), score.top1)).collect();
    assert_eq!(top1, [("a/forbidden", false), ("a/right", true), ("a/wrong", false), ("b/silent", false)]);
    assert_eq!((scores.sets["a"].n, scores.sets["a"].top1, scores.sets["a"].asserted_wrong), (3, 1, 2));
    assert_eq!((scores.sets["b"].asserted_wrong, scores.total.n), (1, 4));
    assert!(scores.to_string().contains("a/wrong"));
    let sure: Vec<(usize, usize)> = scores.calibration.iter().map(|range| (range.n, range.right)).collect();
    assert_eq!(sure, [(4, 1)], "all four are told with the same high confidence");
}

#[tokio::test]
async fn a_folder_without_scenarios_and_a_broken_rule_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &|_| ()).await.is_err());
    scenario(folder.path(), "a/broken", "{outcome: root_cause, all_of: ['(']}");
    assert!(run(folder.path(), &|_| ()).await.unwrap_err().to_string().contains("a/broken"));
}
