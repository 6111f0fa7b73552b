//! A mail server as strict as real ones: each command in its place, scripts for what it refuses.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, pki_types::PrivateKeyDer},
};

/// What one server does; answers to commands instead of the usual ones.
#[derive(Default, Clone)]
pub struct Script {
    /// Instead of `220` at the beginning.
    pub greeting: Option<&'static str>,
    /// By command word, or by `RCPT` and the address (`RCPT ana@example.com`).
    pub answers: BTreeMap<String, &'static str>,
    /// After the text.
    pub text: Option<&'static str>,
    pub offers_starttls: bool,
    pub implicit_tls: bool,
    /// Name and password; nobody writes without when it is set.
    pub login: Option<(&'static str, &'static str)>,
    /// Says nothing at all.
    pub silent: bool,
}

/// A message that was taken.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    pub encrypted: bool,
    pub logged_in: bool,
    pub from: String,
    pub to: Vec<String>,
    /// Without the dots that were added on the way.
    pub text: String,
}

/// A running server.
pub struct Server {
    pub port: u16,
    /// Its certificate's authority, as PEM; the certificate is for `localhost`.
    pub ca: Vec<u8>,
    pub taken: Arc<Mutex<Vec<Taken>>>,
    /// What clients did that no client may do.
    pub wrong: Arc<Mutex<Vec<String>>>,
    pub connections: Arc<Mutex<usize>>,
}

impl Server {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let ca = key.cert.pem().into_bytes();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![key.cert.der().clone()], PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let server = Self { port, ca, taken: Arc::default(), wrong: Arc::default(), connections: Arc::default() };
        let (taken, wrong, connections) = (server.taken.clone(), server.wrong.clone(), server.connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                let (script, acceptor, taken, wrong) = (script.clone(), acceptor.clone(), taken.clone(), wrong.clone());
                tokio::spawn(async move {
                    let mut talk = Talk { script, taken, wrong, now: Taken::default(), hello: false, sender: false };
                    if talk.script.silent {
                        std::future::pending::<()>().await;
                    }
                    if talk.script.implicit_tls {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        talk.now.encrypted = true;
                        talk.serve(stream, true).await;
                    } else if let Some(stream) = talk.serve(stream, true).await {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        talk.now = Taken { encrypted: true, ..Taken::default() };
                        (talk.hello, talk.sender) = (false, false);
                        talk.serve(stream, false).await;
                    }
                });
            }
        });
        server
    }

    pub fn only(&self) -> Taken {
        let taken = self.taken.lock().unwrap();
        assert_eq!(taken.len(), 1, "{taken:?}");
        taken[0].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(*self.wrong.lock().unwrap(), Vec::<String>::new());
        }
    }
}

struct Talk {
    script: Script,
    taken: Arc<Mutex<Vec<Taken>>>,
    wrong: Arc<Mutex<Vec<String>>>,
    now: Taken,
    hello: bool,
    sender: bool,
}

impl Talk {
    /// Serves until the client leaves; gives the stream back where it is to be encrypted.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: S, greets: bool) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greets {
            let greeting = self.script.greeting.unwrap_or("220 fake.example ESMTP");
            stream.write_all(format!("{greeting}\r\n").as_bytes()).await.ok()?;
        }
        loop {
            let line = self.line(&mut stream).await?;
            let answer = self.answer(&line, &mut stream).await?;
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
            stream.flush().await.ok()?;
            match (line.as_str(), answer.starts_with("220 ")) {
                ("QUIT", _) => return None,
                ("STARTTLS", true) => {
                    if !stream.buffer().is_empty() {
                        self.complain("commands before the encryption was there");
                    }
                    return Some(stream.into_inner());
                }
                _ => {}
            }
        }
    }

    async fn line<S: AsyncRead + Unpin>(&mut self, stream: &mut BufReader<S>) -> Option<String> {
        let mut bytes = Vec::new();
        if stream.read_until(b'\n', &mut bytes).await.ok()? == 0 {
            return None;
        }
        let Some(line) = bytes.strip_suffix(b"\r\n") else {
            self.complain("a line end without a carriage return");
            return None;
        };
        if line.len() > 998 || line.contains(&b'\r') {
            self.complain("a line that is too long, or a carriage return within");
        }
        Some(String::from_utf8_lossy(line).into_owned())
    }

    fn complain(&self, what: &str) {
        self.wrong.lock().unwrap().push(what.to_owned());
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(&mut self, line: &str, stream: &mut BufReader<S>) -> Option<String> {
        let word = line.split_whitespace().next().unwrap_or_default().to_uppercase();
        let address = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address.to_owned());
        let keys = [word.clone(), format!("{word} {}", address.clone().unwrap_or_default())];
        if let Some(scripted) = keys.iter().find_map(|key| self.script.answers.get(key)) {
            return Some((*scripted).to_owned());
        }
        let answer = match word.as_str() {
            "EHLO" if line.split_whitespace().count() == 2 => {
                self.hello = true;
                let mut offers = vec!["250-fake.example".to_owned()];
                if self.script.offers_starttls && !self.now.encrypted {
                    offers.push("250-STARTTLS".to_owned());
                }
                if self.script.login.is_some() {
                    offers.push("250-AUTH PLAIN LOGIN".to_owned());
                }
                offers.push("250 SIZE 10485760".to_owned());
                offers.join("\r\n")
            }
            _ if !self.hello && word != "QUIT" => {
                self.complain("a command before EHLO");
                "503 say hello first".to_owned()
            }
            "STARTTLS" if self.script.offers_starttls && !self.now.encrypted => "220 go ahead".to_owned(),
            "AUTH" => self.auth(line),
            "MAIL" => {
                if self.script.login.is_some() && !self.now.logged_in {
                    return Some("530 5.7.0 authentication required".to_owned());
                }
                if self.sender || address.is_none() {
                    self.complain("MAIL twice, or without an address");
                }
                self.sender = true;
                self.now.to.clear();
                self.now.from = address.unwrap_or_default();
                "250 2.1.0 sender ok".to_owned()
            }
            "RCPT" if self.sender && address.is_some() => {
                self.now.to.push(address.unwrap_or_default());
                "250 2.1.5 recipient ok".to_owned()
            }
            "DATA" if self.sender && !self.now.to.is_empty() => self.data(stream).await?,
            "RSET" => {
                self.sender = false;
                "250 ok".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => {
                self.complain(&format!("`{word}` out of its place"));
                "503 bad sequence of commands".to_owned()
            }
        };
        Some(answer)
    }

    fn auth(&mut self, line: &str) -> String {
        let Some((user, password)) = self.script.login else { return "502 not here".to_owned() };
        if self.script.offers_starttls && !self.now.encrypted {
            self.complain("a password in the clear");
        }
        let expected = base64(format!("\0{user}\0{password}").as_bytes());
        self.now.logged_in = line == format!("AUTH PLAIN {expected}");
        if self.now.logged_in { "235 2.7.0 welcome" } else { "535 5.7.8 bad credentials" }.to_owned()
    }

    async fn data<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut BufReader<S>) -> Option<String> {
        stream.write_all(b"354 go on\r\n").await.ok()?;
        stream.flush().await.ok()?;
        let mut text = String::new();
        loop {
            let line = self.line(stream).await?;
            if line == "." {
                break;
            }
            // RFC 5321, 4.5.2: a dot at the beginning of a line was doubled by the sender.
            if line.starts_with('.') && !line.starts_with("..") {
                self.complain("a dot that was not doubled");
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push('\n');
        }
        self.sender = false;
        let answer = self.script.text.unwrap_or("250 2.0.0 queued");
        if answer.starts_with('2') {
            self.taken.lock().unwrap().push(Taken { text, ..self.now.clone() });
        }
        Some(answer.to_owned())
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let letter = char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]);
            out.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    out
}
