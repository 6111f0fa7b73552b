use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::{Refused, verify};

/// Slack's own test vector, from its documentation.
const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const TIMESTAMP: &str = "1531420618";
const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

fn check(body: &str, timestamp: Option<&str>, signature: Option<&str>, seconds_later: i64) -> Result<(), Refused> {
    let now = Timestamp::from_second(1_531_420_618).unwrap() + SignedDuration::from_secs(seconds_later);
    verify(&SecretString::from(SECRET), timestamp, signature, body.as_bytes(), now)
}

#[test]
fn accepts_slacks_own_vector() {
    assert_eq!(check(BODY, Some(TIMESTAMP), Some(SIGNATURE), 0), Ok(()));
}

#[test]
fn accepts_five_minutes_either_way_and_not_a_second_more() {
    for (offset, expected) in [(300, Ok(())), (-300, Ok(())), (301, Err(Refused::Stale)), (-301, Err(Refused::Stale))] {
        assert_eq!(check(BODY, Some(TIMESTAMP), Some(SIGNATURE), offset), expected, "{offset} s");
    }
}

#[test]
fn refuses_everything_else() {
    let changed = format!("{BODY}x");
    let cases = [
        (changed.as_str(), Some(TIMESTAMP), Some(SIGNATURE), Refused::Mismatch),
        (BODY, None, Some(SIGNATURE), Refused::Missing),
        (BODY, Some(TIMESTAMP), None, Refused::Missing),
        (BODY, Some(""), Some(SIGNATURE), Refused::BadTimestamp),
        (BODY, Some("+1531420618"), Some(SIGNATURE), Refused::BadTimestamp),
        (BODY, Some("99999999999999999999"), Some(SIGNATURE), Refused::BadTimestamp),
        (BODY, Some(TIMESTAMP), Some("v0="), Refused::Mismatch),
        (BODY, Some(TIMESTAMP), Some("v0=zz"), Refused::Mismatch),
        (BODY, Some(TIMESTAMP), Some("v1=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"), Refused::Missing),
    ];
    for (body, timestamp, signature, expected) in cases {
        assert_eq!(check(body, timestamp, signature, 0), Err(expected));
    }
}
