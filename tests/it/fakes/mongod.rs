//! A mongod by script, over the real wire protocol: the diagnostic commands that no installable stand-in has, with a real login,
//! refusals, silence and broken connections; and an alarm when anything would be written.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use mongodb::bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub const USER: &str = "sre-agent";
pub const PASSWORD: &str = "mongo-password-that-nobody-may-see";
const SALT: &[u8] = b"salt-of-the-fake";
const ROUNDS: u32 = 4096;
/// Commands that would change something.
const WRITES: &[&str] = &[
    "insert",
    "update",
    "delete",
    "findAndModify",
    "drop",
    "dropDatabase",
    "create",
    "createIndexes",
    "setParameter",
    "killOp",
    "shutdown",
    "replSetStepDown",
    "profile",
];
/// Commands that are of `admin` only.
const ADMIN: &[&str] = &["replSetGetStatus", "getLog", "listDatabases", "top", "hostInfo"];

#[derive(Debug, Clone)]
pub enum Reply {
    Answer(Document),
    /// Code, its name, and what is said.
    Refused(i32, &'static str, &'static str),
    /// The command takes so long; `maxTimeMS` ends it before.
    Slow(Duration),
    Hangs,
    Drops,
}

#[derive(Default)]
struct Script {
    replies: HashMap<String, Reply>,
    /// Documents of a collection, or of a stage such as `$currentOp`, by namespace.
    cursors: BTreeMap<(String, String), Vec<Document>>,
    seen: Vec<(String, Document)>,
}

pub struct FakeMongod {
    address: String,
    script: Arc<Mutex<Script>>,
    running: JoinHandle<()>,
}

impl Drop for FakeMongod {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl FakeMongod {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let script: Arc<Mutex<Script>> = Arc::default();
        let shared = Arc::clone(&script);
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(converse(stream, Arc::clone(&shared)));
            }
        });
        Self { address, script, running }
    }

    pub fn uri(&self, password: &str) -> String {
        format!("mongodb://{USER}:{password}@{}/?directConnection=true&authSource=admin&authMechanism=SCRAM-SHA-256", self.address)
    }

    pub fn says(&self, command: &str, reply: Reply) {
        self.script.lock().unwrap().replies.insert(command.to_owned(), reply);
    }

    /// `space` is a namespace (`shop.orders`), `stage` the first stage of a pipeline, or `find`.
    pub fn holds(&self, space: &str, stage: &str, documents: Vec<Document>) {
        self.script.lock().unwrap().cursors.insert((space.to_owned(), stage.to_owned()), documents);
    }

    /// Every command with its database, logins aside.
    pub fn seen(&self) -> Vec<(String, Document)> {
        self.script.lock().unwrap().seen.clone()
    }

    /// The commands that would have changed something.
    pub fn writes(&self) -> Vec<String> {
        self.seen()
            .into_iter()
            .filter_map(|(_, command)| command.keys().next().cloned())
            .filter(|name| WRITES.contains(&name.as_str()))
            .collect()
    }
}

/// One connection, from its hello to its end.
async fn converse(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let mut login = Login::default();
    loop {
        let mut head = [0_u8; 16];
        if stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let word = |at: usize| i32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let (length, id, operation) = (word(0), word(4), word(12));
        if !(16..=48_000_000).contains(&length) {
            return;
        }
        let mut body = vec![0; length as usize - 16];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let start = match operation {
            2013 => 5,
            2004 => 4 + body[4..].iter().position(|byte| *byte == 0).unwrap() + 1 + 8,
            _ => return,
        };
        let command = Document::from_reader(&body[start..]).unwrap();
        let name = command.keys().next().unwrap().clone();
        let database = command.get_str("$db").unwrap_or("admin").to_owned();
        let answer = match name.as_str() {
            "hello" | "isMaster" | "ismaster" => {
                let mut hello = doc! {"ok": 1.0, "helloOk": true, "ismaster": true, "isWritablePrimary": true, "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
                "minWireVersion": 0, "maxWireVersion": 25, "readOnly": false, "logicalSessionTimeoutMinutes": 30, "saslSupportedMechs": ["SCRAM-SHA-256"]};
                if let Ok(begin) = command.get_document("speculativeAuthenticate") {
                    hello.insert("speculativeAuthenticate", login.first(begin));
                }
                hello
            }
            "saslStart" => login.first(&command),
            "saslContinue" => login.next(&command),
            "endSessions" => doc! {"ok": 1.0},
            _ if !login.done => refusal(13, "Unauthorized", &format!("Command {name} requires authentication")),
            _ => {
                script.lock().unwrap().seen.push((database.clone(), command.clone()));
                match replied(&script, &name, &database, &command) {
                    Reply::Answer(answer) => answer,
                    Reply::Refused(code, word, said) => refusal(code, word, said),
                    Reply::Slow(takes) => {
                        let limit = command.get_i32("maxTimeMS").map_or(Duration::MAX, |limit| Duration::from_millis(limit as u64));
                        tokio::time::sleep(takes.min(limit)).await;
                        if limit < takes {
                            refusal(50, "MaxTimeMSExpired", "operation exceeded time limit")
                        } else {
                            doc! {"ok": 1.0}
                        }
                    }
                    Reply::Hangs => std::future::pending().await,
                    Reply::Drops => return,
                }
            }
        };
        let document = answer.to_vec().unwrap();
        let (kind, before): (i32, Vec<u8>) = if operation == 2013 {
            (2013, vec![0; 5])
        } else {
            let mut before = vec![0; 20];
            before[16] = 1;
            (1, before)
        };
        let mut out = Vec::new();
        for word in [(16 + before.len() + document.len()) as i32, 1, id, kind] {
            out.extend(word.to_le_bytes());
        }
        out.extend(before);
        out.extend(document);
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
}

fn refusal(code: i32, name: &str, said: &str) -> Document {
    doc! {"ok": 0.0, "code": code, "codeName": name, "errmsg": said}
}

fn replied(script: &Mutex<Script>, name: &str, database: &str, command: &Document) -> Reply {
    let script = script.lock().unwrap();
    if WRITES.contains(&name) {
        return Reply::Refused(13, "Unauthorized", "not authorized to execute command");
    }
    if ADMIN.contains(&name) && database != "admin" {
        return Reply::Refused(13, "Unauthorized", "may only be run against the admin database.");
    }
    if !["getMore", "killCursors"].contains(&name) && command.get_i32("maxTimeMS").is_err() && command.get_i64("maxTimeMS").is_err() {
        return Reply::Refused(2, "BadValue", "the test wants a maxTimeMS on every command");
    }
    if let Some(reply) = script.replies.get(name) {
        return reply.clone();
    }
    let cursor = |space: &str, stage: &str| {
        let documents = script.cursors.get(&(space.to_owned(), stage.to_owned()))?;
        let batch: Vec<Bson> = documents.iter().cloned().map(Bson::Document).collect();
        Some(Reply::Answer(
            doc! {"ok": 1.0, "cursor": {"id": 0_i64, "ns": if space.contains('.') { space } else { "admin.$cmd.aggregate" }, "firstBatch": batch}},
        ))
    };
    match name {
        "aggregate" => {
            let stage = command
                .get_array("pipeline")
                .ok()
                .and_then(|stages| stages.first()?.as_document()?.keys().next().cloned())
                .unwrap_or_default();
            if stage == "$currentOp" && database != "admin" {
                return Reply::Refused(73, "InvalidNamespace", "$currentOp must be run against the 'admin' database with {aggregate: 1}");
            }
            let space = command.get_str("aggregate").map_or_else(|_| database.to_owned(), |collection| format!("{database}.{collection}"));
            cursor(&space, &stage).unwrap_or(Reply::Refused(26, "NamespaceNotFound", "ns does not exist"))
        }
        "find" => {
            let space = format!("{database}.{}", command.get_str("find").unwrap_or_default());
            cursor(&space, "find").unwrap_or(Reply::Answer(doc! {"ok": 1.0, "cursor": {"id": 0_i64, "ns": space, "firstBatch": []}}))
        }
        _ => Reply::Refused(59, "CommandNotFound", "no such command"),
    }
}

/// SCRAM-SHA-256, the server's side. Source: RFC 5802 and RFC 7677.
#[derive(Default)]
struct Login {
    first: String,
    nonce: String,
    done: bool,
}

impl Login {
    fn first(&mut self, command: &Document) -> Document {
        let said = payload(command);
        let bare = said.trim_start_matches("n,,").to_owned();
        let nonce = bare.split("r=").nth(1).unwrap_or_default();
        self.nonce = format!("{nonce}fakeservernonce");
        let answer = format!("r={},s={},i={ROUNDS}", self.nonce, BASE64_STANDARD.encode(SALT));
        self.first = format!("{bare},{answer}");
        step(&answer, false)
    }

    fn next(&mut self, command: &Document) -> Document {
        let said = payload(command);
        if said.is_empty() && self.done {
            return step("", true);
        }
        let (without, proof) = said.rsplit_once(",p=").unwrap_or((&said, ""));
        let salted = salted(PASSWORD);
        let client = hmac(&salted, b"Client Key");
        let message = format!("{},{without}", self.first);
        let signature = hmac(&Sha256::digest(client), message.as_bytes());
        let expected: Vec<u8> = client.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        if BASE64_STANDARD.decode(proof).ok().as_deref() != Some(&expected)
            || !without.contains(&format!("r={}", self.nonce))
            || !self.first.contains(&format!("n={USER},"))
        {
            return refusal(18, "AuthenticationFailed", "Authentication failed.");
        }
        self.done = true;
        let verifier = hmac(&hmac(&salted, b"Server Key"), message.as_bytes());
        step(&format!("v={}", BASE64_STANDARD.encode(verifier)), true)
    }
}

fn payload(command: &Document) -> String {
    command.get_binary_generic("payload").map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

fn step(payload: &str, done: bool) -> Document {
    doc! {"ok": 1.0, "conversationId": 1, "done": done, "payload": Binary { subtype: BinarySubtype::Generic, bytes: payload.as_bytes().to_vec() }}
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// PBKDF2 of one block.
fn salted(password: &str) -> [u8; 32] {
    let mut block = SALT.to_vec();
    block.extend([0, 0, 0, 1]);
    let mut round = hmac(password.as_bytes(), &block);
    let mut out = round;
    for _ in 1..ROUNDS {
        round = hmac(password.as_bytes(), &round);
        out.iter_mut().zip(round).for_each(|(a, b)| *a ^= b);
    }
    out
}
