//! MongoDB's wire protocol, the server's side: OP_MSG, and the old OP_QUERY for the first hello.

use mongodb::bson::{Bson, Document};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const OP_REPLY: i32 = 1;
const OP_QUERY: i32 = 2004;
const OP_MSG: i32 = 2013;
const CHECKSUM: u32 = 1;
const MORE_TO_COME: u32 = 1 << 1;
const LARGEST: i32 = 48_000_000;

pub struct Message {
    pub id: i32,
    /// It came as OP_QUERY and is answered with OP_REPLY.
    pub legacy: bool,
    /// The client wants no answer.
    pub silent: bool,
    pub command: Document,
}

/// The next message; `None` when the client has gone; an error when what came is no message of this protocol.
pub async fn read(stream: &mut TcpStream) -> Result<Option<Message>, String> {
    let mut head = [0_u8; 16];
    if stream.read_exact(&mut head).await.is_err() {
        return Ok(None);
    }
    let (length, id, operation) = (word(&head, 0)?, word(&head, 4)?, word(&head, 12)?);
    if !(16..=LARGEST).contains(&length) {
        return Err(format!("a message of {length} bytes"));
    }
    let mut body = vec![0; length as usize - 16];
    if stream.read_exact(&mut body).await.is_err() {
        return Ok(None);
    }
    match operation {
        OP_MSG => message(id, &body).map(Some),
        OP_QUERY => query(id, &body).map(Some),
        other => Err(format!("operation {other} is neither OP_MSG nor OP_QUERY")),
    }
}

/// Answers the message `to`.
pub async fn write(stream: &mut TcpStream, to: &Message, answer: &Document) -> std::io::Result<()> {
    let document = answer.to_vec().unwrap();
    let (operation, mut before) = if to.legacy { (OP_REPLY, vec![0; 20]) } else { (OP_MSG, vec![0; 5]) };
    if let (true, Some(count)) = (to.legacy, before.get_mut(16)) {
        *count = 1;
    }
    let mut out = Vec::new();
    for word in [(16 + before.len() + document.len()) as i32, 1, to.id, operation] {
        out.extend(word.to_le_bytes());
    }
    out.extend(before);
    out.extend(document);
    stream.write_all(&out).await
}

/// Flags, one document, and any number of named lists of documents.
fn message(id: i32, body: &[u8]) -> Result<Message, String> {
    let flags = word(body, 0)? as u32;
    if flags & 0xffff & !(CHECKSUM | MORE_TO_COME) != 0 {
        return Err(format!("unknown flags {flags:#x}"));
    }
    let end = if flags & CHECKSUM == 0 { body.len() } else { body.len().saturating_sub(4) };
    let (mut at, mut command, mut lists) = (4, None, Vec::new());
    while at < end {
        let kind = body[at];
        at += 1;
        match kind {
            0 => {
                let (document, next) = document(body, at)?;
                if command.replace(document).is_some() {
                    return Err("two sections of kind 0".to_owned());
                }
                at = next;
            }
            1 => {
                let stop = at + usize::try_from(word(body, at)?).unwrap_or(usize::MAX / 2);
                let (name, mut inner) = text(body, at + 4)?;
                let mut documents = Vec::new();
                while inner < stop {
                    let (document, next) = document(body, inner)?;
                    documents.push(Bson::Document(document));
                    inner = next;
                }
                if inner != stop {
                    return Err(format!("the section {name} has a wrong length"));
                }
                lists.push((name, documents));
                at = stop;
            }
            other => return Err(format!("a section of kind {other}")),
        }
    }
    if at != end {
        return Err("the sections are longer than the message".to_owned());
    }
    let mut command = command.ok_or("no section of kind 0")?;
    for (name, documents) in lists {
        if command.insert(name.clone(), documents).is_some() {
            return Err(format!("{name} comes twice"));
        }
    }
    Ok(Message { id, legacy: false, silent: flags & MORE_TO_COME != 0, command })
}

fn query(id: i32, body: &[u8]) -> Result<Message, String> {
    let (space, at) = text(body, 4)?;
    let database = space.strip_suffix(".$cmd").ok_or(format!("OP_QUERY for {space}, which is no command"))?;
    let (mut command, _) = document(body, at + 8)?;
    if let Ok(inner) = command.get_document("$query") {
        command = inner.clone();
    }
    command.insert("$db", database);
    Ok(Message { id, legacy: true, silent: false, command })
}

fn word(bytes: &[u8], at: usize) -> Result<i32, String> {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map(i32::from_le_bytes).ok_or_else(|| "the message ends too early".to_owned())
}

fn text(bytes: &[u8], at: usize) -> Result<(String, usize), String> {
    let rest = bytes.get(at..).ok_or("the message ends too early")?;
    let length = rest.iter().position(|byte| *byte == 0).ok_or("a name without an end")?;
    let name = std::str::from_utf8(&rest[..length]).map_err(|error| error.to_string())?;
    Ok((name.to_owned(), at + length + 1))
}

fn document(bytes: &[u8], at: usize) -> Result<(Document, usize), String> {
    let length = usize::try_from(word(bytes, at)?).map_err(|error| error.to_string())?;
    let all = bytes.get(at..at + length).ok_or("a document that is longer than its message")?;
    Ok((Document::from_reader(all).map_err(|error| error.to_string())?, at + length))
}
