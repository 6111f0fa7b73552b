//! One connection to an MCP server: made when it is needed, made anew after it broke.

use std::time::Duration;

use rmcp::{
    RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, CallToolResult},
    service::{RunningService, ServiceError},
    transport::{StreamableHttpClientTransport, TokioChildProcess, streamable_http_client::StreamableHttpClientTransportConfig},
};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use super::Reach;
use crate::tools::{ToolError, ToolErrorKind};

/// How long connecting may take: starting a program, and the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(6);
/// How large one event of a server may be.
const EVENT_MAX: usize = 4 << 20;

type Client = RunningService<RoleClient, ()>;

/// The connection to one server.
pub struct Connection {
    name: String,
    reach: Reach,
    client: Mutex<Option<Client>>,
}

impl Connection {
    pub fn new(name: &str, reach: Reach) -> Self {
        Self { name: name.to_owned(), reach, client: Mutex::new(None) }
    }

    /// All tools of the server.
    pub async fn list(&self, tool: &str) -> Result<Vec<rmcp::model::Tool>, ToolError> {
        let mut held = self.client.lock().await;
        let client = self.connected(tool, &mut held).await?;
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, client.list_all_tools()).await;
        self.settled(tool, &mut held, answer)
    }

    /// Calls one tool.
    pub async fn call(&self, tool: &str, request: CallToolRequestParams) -> Result<CallToolResult, ToolError> {
        let mut held = self.client.lock().await;
        let client = self.connected(tool, &mut held).await?;
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, client.call_tool(request)).await;
        self.settled(tool, &mut held, answer)
    }

    async fn connected<'a>(&self, tool: &str, held: &'a mut Option<Client>) -> Result<&'a Client, ToolError> {
        if held.as_ref().is_none_or(Client::is_closed) {
            let made = tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await;
            *held = Some(match made {
                Ok(Ok(client)) => client,
                Ok(Err(said)) => return Err(self.error(tool, format!("cannot be reached ({said})"), ToolErrorKind::Unavailable)),
                Err(_) => {
                    return Err(self.error(
                        tool,
                        format!("did not shake hands in {} s", CONNECT_TIMEOUT.as_secs()),
                        ToolErrorKind::Timeout,
                    ));
                }
            });
        }
        held.as_ref().ok_or_else(|| self.error(tool, "is not connected".to_owned(), ToolErrorKind::Unavailable))
    }

    async fn connect(&self) -> Result<Client, String> {
        match &self.reach {
            Reach::Command { words, environment } => {
                let Some((program, rest)) = words.split_first() else { return Err("no command is given".to_owned()) };
                let mut command = tokio::process::Command::new(program);
                command.args(rest).env_clear().envs(environment).kill_on_drop(true);
                let (transport, _) = TokioChildProcess::builder(command)
                    .stderr(std::process::Stdio::null())
                    .spawn()
                    .map_err(|error| format!("{program}: {error}"))?;
                ().serve(transport).await.map_err(|error| error.to_string())
            }
            Reach::Url { url, token } => {
                let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str()).max_sse_event_size(EVENT_MAX);
                if let Some(token) = token {
                    config = config.auth_header(token.expose_secret());
                }
                let http = crate::web::client(REQUEST_TIMEOUT, None)?;
                ().serve(StreamableHttpClientTransport::with_client(http, config)).await.map_err(|error| error.to_string())
            }
        }
    }

    /// A connection that failed is not used again.
    fn settled<T>(
        &self,
        tool: &str,
        held: &mut Option<Client>,
        answer: Result<Result<T, ServiceError>, tokio::time::error::Elapsed>,
    ) -> Result<T, ToolError> {
        match answer {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(ServiceError::McpError(error))) => {
                Err(self.error(tool, format!("refused: {}", error.message), ToolErrorKind::BadArguments))
            }
            Ok(Err(error)) => {
                *held = None;
                Err(self.error(tool, format!("broke off ({error})"), ToolErrorKind::Unavailable))
            }
            Err(_) => {
                *held = None;
                Err(self.error(tool, format!("gave no answer in {} s", REQUEST_TIMEOUT.as_secs()), ToolErrorKind::Timeout))
            }
        }
    }

    fn error(&self, tool: &str, said: String, kind: ToolErrorKind) -> ToolError {
        ToolError::new(tool, format!("the MCP server {} {said}", self.name), kind)
    }
}
