//! What an id of Slack's looks like. A subject of a token, a sender's name and our own name are none.

/// The longest id that is taken, in bytes. Slack's have 9 to 11; its documentation sets no limit.
const ID_MAX: usize = 40;

/// Whether it is a person's id: `U…`, or `W…` on an Enterprise Grid.
pub fn is_slack_user(id: &str) -> bool {
    begins_with(id, &['U', 'W'])
}

/// Whether it is a user group's id: `S…`.
pub fn is_slack_group(id: &str) -> bool {
    begins_with(id, &['S'])
}

/// Whether it names people: one, or a user group.
pub fn is_slack_people(id: &str) -> bool {
    is_slack_user(id) || is_slack_group(id)
}

fn begins_with(id: &str, first: &[char]) -> bool {
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (3..=ID_MAX).contains(&id.len()) && id.starts_with(first) && id.bytes().all(upper)
}

#[cfg(test)]
mod tests {
    use super::{is_slack_group, is_slack_people, is_slack_user};

    #[test]
    fn an_id_of_slack_is_told_from_other_names() {
        for id in ["U012AB3CD", "W0G9QF9C6"] {
            assert!(is_slack_user(id) && is_slack_people(id) && !is_slack_group(id), "{id}");
        }
        assert!(is_slack_group("S0614TZR7") && is_slack_people("S0614TZR7") && !is_slack_user("S0614TZR7"));
        for other in ["", "U", "U1", "grafana", "Upper", "USER-1", "jwt:dev@example.com", "U012ab3cd", "Ü12", "C012AB3CD", &"U".repeat(41)]
        {
            assert!(!is_slack_people(other), "{other}");
        }
    }
}
