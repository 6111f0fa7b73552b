//! SCRAM-SHA-256, the server's side. Source: RFC 5802 and RFC 7677.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
use sha2::{Digest, Sha256};

use super::{Failure, fails, matching::whole};

/// A driver refuses fewer.
const ROUNDS: u32 = 4096;

/// What a server keeps of a user: never the password.
pub struct User {
    pub name: String,
    /// As given: `clusterMonitor`, `dbAdmin@shop`.
    pub roles: Vec<String>,
    salt: [u8; 16],
    stored: [u8; 32],
    server: [u8; 32],
}

impl User {
    pub fn new(name: &str, password: &str, roles: Vec<String>) -> Self {
        let salt: [u8; 16] = Sha256::digest(name)[..16].try_into().unwrap();
        let salted = salted(password, &salt);
        let stored = Sha256::digest(hmac(&salted, b"Client Key")).into();
        Self { name: name.to_owned(), roles, salt, stored, server: hmac(&salted, b"Server Key") }
    }
}

/// The login of one connection.
#[derive(Default)]
pub struct Login {
    pub done: bool,
    /// Who it is, or wants to be.
    pub name: String,
    conversation: Option<Conversation>,
}

struct Conversation {
    nonce: String,
    /// The client's first message without its head, and the server's first.
    first: String,
    skips_empty: bool,
    proven: bool,
}

impl Login {
    /// `saslStart`, or the same inside of a hello. `salt_of_nonce` differs for every connection.
    pub fn start(&mut self, users: &[User], database: &str, command: &Document, salt_of_nonce: u64) -> Result<Document, Failure> {
        self.conversation = None;
        match command.get_str("mechanism") {
            Ok("SCRAM-SHA-256") => {}
            Ok(other) => {
                let said = format!("Received authentication for mechanism {other} which is unknown or not enabled");
                return Err(fails(334, "MechanismUnavailable", said));
            }
            Err(_) => return Err(fails(40414, "IDLFailedToParse", "BSON field 'saslStart.mechanism' is missing but a required field")),
        }
        let said = payload(command)?;
        let bare = said.strip_prefix("n,,").ok_or_else(failed)?;
        let (name, nonce) = bare.strip_prefix("n=").and_then(|rest| rest.split_once(",r=")).ok_or_else(failed)?;
        let name = name.replace("=2C", ",").replace("=3D", "=");
        let user = users.iter().find(|user| database == "admin" && user.name == name).ok_or_else(failed)?;
        if nonce.is_empty() {
            return Err(failed());
        }
        let ours = BASE64_STANDARD.encode(&Sha256::digest(format!("{salt_of_nonce} {nonce}"))[..18]);
        let nonce = format!("{nonce}{ours}");
        let answer = format!("r={nonce},s={},i={ROUNDS}", BASE64_STANDARD.encode(user.salt));
        let skips_empty = command.get_document("options").is_ok_and(|options| options.get_bool("skipEmptyExchange").unwrap_or(false));
        self.name = name;
        self.conversation = Some(Conversation { nonce, first: format!("{bare},{answer}"), skips_empty, proven: false });
        Ok(step(&answer, false))
    }

    /// `saslContinue`.
    pub fn proceed(&mut self, users: &[User], command: &Document) -> Result<Document, Failure> {
        let mut conversation = self.conversation.take().ok_or_else(|| fails(17, "ProtocolError", "No SASL session state found"))?;
        if command.get("conversationId").and_then(whole) != Some(1) {
            return Err(fails(17, "ProtocolError", "sasl: Mismatched conversation id"));
        }
        let said = payload(command)?;
        if conversation.proven {
            self.done = said.is_empty();
            return if self.done { Ok(step("", true)) } else { Err(failed()) };
        }
        let user = users.iter().find(|user| user.name == self.name).ok_or_else(failed)?;
        let (without, proof) = said.split_once(",p=").ok_or_else(failed)?;
        // `biws` is the client's head `n,,`.
        if without != format!("c=biws,r={}", conversation.nonce) {
            return Err(failed());
        }
        let message = format!("{},{without}", conversation.first);
        let proof: [u8; 32] = BASE64_STANDARD.decode(proof).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(failed)?;
        let mut key = hmac(&user.stored, message.as_bytes());
        key.iter_mut().zip(proof).for_each(|(a, b)| *a ^= b);
        if <[u8; 32]>::from(Sha256::digest(key)) != user.stored {
            return Err(failed());
        }
        let answer = format!("v={}", BASE64_STANDARD.encode(hmac(&user.server, message.as_bytes())));
        self.done = conversation.skips_empty;
        conversation.proven = true;
        if !self.done {
            self.conversation = Some(conversation);
        }
        Ok(step(&answer, self.done))
    }
}

/// A real server does not tell why either.
fn failed() -> Failure {
    fails(18, "AuthenticationFailed", "Authentication failed.")
}

fn payload(command: &Document) -> Result<String, Failure> {
    let bytes = command.get_binary_generic("payload").map_err(|_| failed())?;
    String::from_utf8(bytes.clone()).map_err(|_| failed())
}

fn step(payload: &str, done: bool) -> Document {
    let payload = Binary { subtype: BinarySubtype::Generic, bytes: payload.as_bytes().to_vec() };
    doc! {"conversationId": 1, "done": done, "payload": payload, "ok": 1.0}
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// PBKDF2 of one block.
fn salted(password: &str, salt: &[u8]) -> [u8; 32] {
    let keyed = Hmac::<Sha256>::new_from_slice(password.as_bytes()).unwrap();
    let round = |message: &[u8]| -> [u8; 32] {
        let mut mac = keyed.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    };
    let mut last = round(&[salt, &[0, 0, 0, 1]].concat());
    let mut out = last;
    for _ in 1..ROUNDS {
        last = round(&last);
        out.iter_mut().zip(last).for_each(|(a, b)| *a ^= b);
    }
    out
}
