//! Planted secrets in random surroundings, and any text at all.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    super::{Budget, Options, json as redact_json, redactor::Redactor, rules::PREFIXES, scan, text, value},
    kinds::planted,
};

const WRAPS: usize = 10;

/// The longest part of a secret that no escaping changes, or all of it.
fn core(secret: &str) -> String {
    let parts = secret.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !matches!(*part, "BEGIN" | "OPENSSH" | "PRIVATE"));
    parts.max_by_key(|part| part.len()).filter(|part| part.len() >= 6).unwrap_or(secret).to_owned()
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn wrap(input: &str, own: bool, how: usize) -> String {
    let escaped = |text: &str| serde_json::to_string(text).unwrap();
    match how {
        0 => input.to_owned(),
        1 => json!({"level": "info", "message": input, "n": 1}).to_string(),
        2 => json!({"log": json!({"message": input}).to_string()}).to_string(),
        3 => json!({"a": json!({"b": json!({"message": input}).to_string()}).to_string()}).to_string(),
        4 => format!("note: |\n  {}\nend: 1", input.replace('\n', "\n  ")),
        5 => format!("\u{1b}[1;31m{input}\u{1b}[0m"),
        6 => format!("msg={} level=warn", escaped(input)),
        7 => format!("first\n{input}\nlast"),
        8 if own && !input.contains(['\n', ' ']) => format!("https://h.example/p?x={}&y=1", percent(input)),
        9 if own => json!({input: {"token": input}}).to_string(),
        _ => format!("({input})"),
    }
}

fn noise() -> impl Strategy<Value = String> {
    "[a-z0-9 ,.:=/{}\\[\\]\"'é]{0,30}"
}

/// Text made of what rules look for, so that it often comes close to a secret.
fn hostile() -> impl Strategy<Value = String> {
    let mut words: Vec<String> = scan::all_words().chain(PREFIXES.iter().map(|prefix| prefix.start)).map(str::to_owned).collect();
    words.extend(planted().into_iter().map(|(input, ..)| input));
    let marks = [
        "=",
        ": ",
        ":",
        "\"",
        "'",
        "\\\"",
        "\\",
        " ",
        "\n",
        "\\n",
        "@",
        "/",
        "kind: Secret\n",
        "data:\n  ",
        "é",
        "\u{1b}[0m",
        "[redacted",
        "[redacted secret]",
        "[redacted JWT 0123abcd]",
        "[redacted: too long to examine]",
        "hunter2hunter2",
        ";",
        "&",
        ",",
        "{",
        "}",
        "|\n",
        "\u{1}",
        "4111111111111111",
    ];
    words.extend(marks.map(str::to_owned));
    let mark = prop::sample::select(marks.map(str::to_owned).to_vec());
    prop::collection::vec(prop_oneof![prop::sample::select(words), mark], 0..24).prop_map(|parts| parts.concat())
}

fn settled(input: &str, options: &Options) -> Result<(), TestCaseError> {
    let mut redactor = Redactor::new(options, Budget::default());
    let once = redactor.text(input, "").into_owned();
    let twice = Redactor::new(options, Budget::default()).text(&once, "").into_owned();
    prop_assert_eq!(&once, &twice);
    prop_assert_eq!(once == input, redactor.counts.total() == 0);
    let once = redact_json(input).into_owned();
    prop_assert_eq!(&redact_json(&once), &once);
    if serde_json::from_str::<Value>(input).is_ok() {
        prop_assert!(serde_json::from_str::<Value>(&once).is_ok(), "no JSON: {once}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_127), ..ProptestConfig::default() })]

    #[test]
    fn no_planted_secret_survives(kind in 0..planted().len(), how in 0..WRAPS, before in noise(), after in noise()) {
        let (input, secret, _) = planted().swap_remove(kind);
        let own = input == secret;
        let core = core(&secret);
        prop_assume!(!before.contains(&core) && !after.contains(&core));
        let wrapped = format!("{before} at {} then {after}", wrap(&input, own, how));
        prop_assert!(!text(&wrapped).contains(&core), "{wrapped} => {}", text(&wrapped));
        prop_assert!(!redact_json(&wrapped).contains(&core), "{wrapped} => {}", redact_json(&wrapped));
        for mut whole in [json!({"m": wrapped}), json!([[wrapped]]), json!({"a": {wrapped.as_str(): 1}})] {
            prop_assert!(!redact_json(&whole.to_string()).contains(&core), "{whole}");
            let raw = whole.to_string();
            prop_assert!(!text(&raw).contains(&core), "{raw} => {}", text(&raw));
            value(&mut whole);
            prop_assert!(!whole.to_string().contains(&core), "{whole}");
        }
        settled(&wrapped, &Options { key: Some([3; 32]), emails: true })?;
    }

    #[test]
    fn any_text_settles_at_once(input in prop_oneof![any::<String>(), hostile(), noise()], key in any::<bool>(), cut in any::<prop::sample::Index>()) {
        let options = Options { key: key.then_some([9; 32]), emails: key };
        settled(&input, &options)?;
        let border = (0..=cut.index(input.len() + 1)).rev().find(|at| input.is_char_boundary(*at)).unwrap_or(0);
        settled(&input[..border], &options)?;
        settled(&input[border..], &options)?;
        settled(&json!({"a": input, "token": [input], input.as_str(): {"password": input}}).to_string(), &options)?;
    }

    #[test]
    fn a_small_budget_hides_and_settles(input in hostile(), work in 0..400usize, line in 0..40usize) {
        let options = Options::default();
        let budget = Budget { work, line };
        let run = |input: &str| Redactor::new(&options, budget).text(input, "").into_owned();
        let once = run(&input);
        prop_assert_eq!(run(&once), once.clone(), "{}", input);
        // What the full budget hides is not shown by the small one.
        for secret in ["hunter2hunter2", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "MIIEowIBAAKCAQEA7bq0SxR2yxv", "GenieKey 0f0e0d0c-1111"] {
            prop_assert!(!once.contains(secret) || text(&input).contains(secret), "{secret} in {once}");
        }
    }
}
