//! What built-in roles allow of the three commands that the fake carries out, and commands as a server's errors show them.

use mongodb::bson::{Bson, Document};

use super::{Connection, State};

impl State {
    /// Whether this connection may send the command. Source: the actions `killop`, `replSetStateChange` and `enableProfiler` of the
    /// built-in roles.
    pub fn may(&self, connection: &Connection, name: &str, database: &str, command: &Document) -> bool {
        let own = self.users.iter().find(|user| connection.login.done && user.name == connection.login.name);
        let roles = own.map_or(&self.open_roles, |user| &user.roles);
        let has = |wanted: &[&str], place: &str| {
            roles.iter().any(|role| {
                let (role, of) = role.split_once('@').unwrap_or((role, "admin"));
                wanted.contains(&role) && of == place
            })
        };
        match name {
            // Everyone may end what is their own.
            "killOp" => {
                has(&["hostManager", "clusterAdmin", "root"], "admin")
                    || own.is_some_and(|user| command.get("op").is_some_and(|opid| self.is_of(&user.name, opid)))
            }
            "replSetStepDown" => has(&["clusterManager", "clusterAdmin", "root"], "admin"),
            "profile" => has(&["dbAdmin", "dbOwner"], database) || has(&["dbAdminAnyDatabase", "root"], "admin"),
            _ => false,
        }
    }

    fn is_of(&self, user: &str, opid: &Bson) -> bool {
        let same = |operation: &&Document| operation.get("opid").is_some_and(|known| super::changes::same_id(known, opid));
        self.operations().iter().find(same).is_some_and(|operation| {
            let users = operation.get_array("effectiveUsers").map(Vec::as_slice).unwrap_or_default();
            users
                .iter()
                .filter_map(Bson::as_document)
                .any(|one| one.get_str("user").ok() == Some(user) && one.get_str("db").ok() == Some("admin"))
        })
    }
}

/// As a server writes a command into an error: names bare, text in quotes.
pub fn shell(command: &Document) -> String {
    let fields: Vec<String> = command.iter().map(|(name, value)| format!("{name}: {}", value_of(value))).collect();
    if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
}

fn value_of(value: &Bson) -> String {
    match value {
        Bson::Document(inner) => shell(inner),
        Bson::Array(items) => format!("[ {} ]", items.iter().map(value_of).collect::<Vec<_>>().join(", ")),
        Bson::String(text) => format!("\"{text}\""),
        Bson::Double(number) if number.fract() == 0.0 => format!("{number:.1}"),
        Bson::Binary(binary) if binary.bytes.len() == 16 => {
            let hex = hex::encode(&binary.bytes);
            format!("UUID(\"{}-{}-{}-{}-{}\")", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
        }
        other => other.to_string(),
    }
}
