//! Redis: answers that several processes share. What is lost with it is asked for again.

use std::time::Duration;

use async_trait::async_trait;
use redis::{
    AsyncCommands as _,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;

use super::{Cache, CoordError, Result};

/// How long a call may take. An answer that is slower to fetch than to ask for is no cache.
const TIMEOUT: Duration = Duration::from_millis(500);
/// What our keys begin with, so that a Redis can be shared.
const PREFIX: &str = "sre-agent:cache:";

/// A cache in Redis, connected when it is first used.
pub struct RedisCache {
    url: SecretString,
    connection: OnceCell<ConnectionManager>,
}

impl std::fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisCache")
    }
}

impl RedisCache {
    /// # Errors
    /// When `url` is no address of a Redis; the message does not repeat it, because it may hold a password.
    pub fn new(url: SecretString) -> Result<Self> {
        redis::Client::open(url.expose_secret()).map_err(|_| CoordError("the address is none of redis:// or rediss://".to_owned()))?;
        Ok(Self { url, connection: OnceCell::new() })
    }

    /// Asks whether it is there.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<()> {
        let mut connection = self.connected().await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(said)
    }

    async fn connected(&self) -> Result<ConnectionManager> {
        let made = self.connection.get_or_try_init(|| async {
            let client = redis::Client::open(self.url.expose_secret()).map_err(said)?;
            let config = ConnectionManagerConfig::new()
                .set_response_timeout(Some(TIMEOUT))
                .set_connection_timeout(Some(TIMEOUT))
                .set_number_of_retries(1);
            client.get_connection_manager_with_config(config).await.map_err(said)
        });
        let made = tokio::time::timeout(TIMEOUT * 2, made).await.map_err(|_| CoordError("Redis does not answer".to_owned()))?;
        made.cloned()
    }
}

fn said(error: redis::RedisError) -> CoordError {
    CoordError(format!("Redis: {}", error.category()))
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let mut connection = self.connected().await?;
        connection.get(format!("{PREFIX}{key}")).await.map_err(said)
    }

    async fn put(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<()> {
        let mut connection = self.connected().await?;
        connection.set_ex(format!("{PREFIX}{key}"), value, time_to_live.as_secs().max(1)).await.map_err(said)
    }
}
