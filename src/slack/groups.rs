//! Who belongs to a user group, and what people are called.

use serde_json::Value;

use super::{Client, SlackError};

impl Client {
    /// The user ids of a group's members.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`]; the scope is `usergroups:read`.
    pub async fn group_members(&self, group: &str) -> Result<Vec<String>, SlackError> {
        let answer = self.ask("usergroups.users.list", &vec![("usergroup", Some(group))]).await?;
        let users = answer.get("users").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Ok(users.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// A person's name as their colleagues see it: for texts that name people without calling them.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`]; the scope is `users:read`.
    pub async fn name_of(&self, user: &str) -> Result<String, SlackError> {
        let answer = self.ask("users.info", &vec![("user", Some(user))]).await?;
        let field = |path: &str| answer.pointer(path).and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = field("/user/profile/real_name").or_else(|| field("/user/real_name")).or_else(|| field("/user/name"));
        Ok(name.unwrap_or(user).to_owned())
    }
}
