//! A server that answers badly, each way that backends and what stands before them are known for.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

#[derive(Debug, Clone)]
pub enum Mode {
    /// This status line, these headers and this body.
    Says(&'static str, &'static str, &'static str),
    /// The beginning of an answer, then the connection ends.
    HalfClosed,
    /// A byte now and then, without end.
    Drips,
    /// 100 MiB of one JSON string.
    Huge,
    /// The connection is taken and nothing ever said.
    Hangs,
}

pub struct Misbehaving {
    pub url: String,
    running: JoinHandle<()>,
}

impl Drop for Misbehaving {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Misbehaving {
    pub async fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, mode.clone()));
            }
        });
        Self { url, running }
    }
}

async fn answer(mut stream: TcpStream, mode: Mode) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    match mode {
        Mode::Says(status, headers, body) => {
            let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Mode::HalfClosed => {
            let _ = stream.write_all(format!("{head}content-length: 5000\r\n\r\n{{\"status\":\"succ").as_bytes()).await;
        }
        Mode::Drips => {
            let _ = stream.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await;
            while stream.write_all(b"1\r\n \r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Mode::Huge => {
            let _ = stream.write_all(format!("{head}content-length: {}\r\n\r\n\"", 100 << 20).as_bytes()).await;
            let block = vec![b'a'; 1 << 20];
            for _ in 0..100 {
                if stream.write_all(&block).await.is_err() {
                    return;
                }
            }
        }
        Mode::Hangs => std::future::pending().await,
    }
}
