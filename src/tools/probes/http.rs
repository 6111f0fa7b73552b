//! One request, and where its time goes; written down as `curl -w` prints it. No redirect is followed and nothing is sent that
//! says who asks.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{Instant, timeout},
};
use url::Url;

use super::Printed;

/// How much of an answer is read: its head, and a little of what follows.
const READ_MAX: usize = 16 << 10;

/// When each step before the request had ended, counted from the beginning.
#[derive(Debug, Clone, Copy)]
pub struct Phases {
    pub looked_up: Duration,
    pub connected: Duration,
    pub secured: Duration,
    pub started: Instant,
}

/// Asks for `url` over `stream`.
pub async fn request(mut stream: impl AsyncRead + AsyncWrite + Unpin, url: &Url, phases: Phases, limit: Duration) -> Printed {
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut shown = url.clone();
    shown.set_query(None);
    let command = format!("curl -f {shown}");
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: sre-agent-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    let asked = phases.started.elapsed();
    let exchange = async {
        stream.write_all(head.as_bytes()).await?;
        let mut body = Vec::new();
        let mut first = None;
        let mut chunk = [0_u8; 4096];
        while body.len() < READ_MAX {
            let read = stream.read(&mut chunk).await?;
            if read == 0 {
                break;
            }
            first.get_or_insert_with(|| phases.started.elapsed());
            body.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
        std::io::Result::Ok((first, body))
    };
    let text = match timeout(limit, exchange).await {
        Err(_) => format!("curl: (28) Operation timed out after {} milliseconds\n", limit.as_millis()),
        Ok(Err(error)) => format!("curl: (56) Recv failure: {error}\n"),
        Ok(Ok((None, _))) => "curl: (52) Empty reply from server\n".to_owned(),
        Ok(Ok((Some(first), body))) => {
            let answer = String::from_utf8_lossy(&body);
            let status = answer.lines().next().unwrap_or_default().trim().to_owned();
            let code: u16 = status.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
            let failed = if code >= 400 { format!("curl: (22) The requested URL returned error: {code}\n") } else { String::new() };
            let seconds = |time: Duration| format!("{:.6}", time.as_secs_f64());
            format!(
                "< {status}\n{failed}time_namelookup: {}\ntime_connect: {}\ntime_appconnect: {}\ntime_pretransfer: {}\ntime_starttransfer: {}\ntime_total: {}\n",
                seconds(phases.looked_up),
                seconds(phases.connected),
                if url.scheme() == "https" { seconds(phases.secured) } else { seconds(Duration::ZERO) },
                seconds(asked),
                seconds(first),
                seconds(phases.started.elapsed())
            )
        }
    };
    Printed { command, text }
}
