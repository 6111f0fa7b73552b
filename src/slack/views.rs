//! Modals and the home tab.

use serde_json::{Value, json};

use super::{Client, SlackError};

impl Client {
    /// Opens a modal; the trigger is good for three seconds and one use.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`].
    pub async fn open_view(&self, trigger_id: &str, view: &Value) -> Result<(), SlackError> {
        self.call("views.open", &json!({"trigger_id": trigger_id, "view": view})).await.map(drop)
    }

    /// Shows something else in an open modal. `hash` is the one that came with the person's change: a view that has
    /// changed since is left alone.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`].
    pub async fn update_view(&self, view_id: &str, hash: Option<&str>, view: &Value) -> Result<(), SlackError> {
        let mut body = json!({"view_id": view_id, "view": view});
        if let (Some(hash), Some(fields)) = (hash, body.as_object_mut()) {
            fields.insert("hash".to_owned(), hash.into());
        }
        self.call("views.update", &body).await.map(drop)
    }

    /// Shows something else in the open modal that we have given this name (`external_id`).
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`].
    pub async fn update_named_view(&self, external_id: &str, view: &Value) -> Result<(), SlackError> {
        self.call("views.update", &json!({"external_id": external_id, "view": view})).await.map(drop)
    }

    /// Shows a person's home tab.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`].
    pub async fn publish_home(&self, user: &str, view: &Value) -> Result<(), SlackError> {
        self.call("views.publish", &json!({"user_id": user, "view": view})).await.map(drop)
    }
}
