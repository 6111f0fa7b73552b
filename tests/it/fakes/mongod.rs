//! A mongod by script, over the real wire protocol: it holds collections and answers, checks logins, databases and fields as
//! the real one does, can be silent, slow or broken, and keeps every command; a command that would write is kept, and refused unless it
//! is one of three (`killOp`, `replSetStepDown`, `profile`) and a role allows it.

mod changes;
mod checks;
mod hands;
mod login;
mod matching;
mod roles;
mod sick;
mod wire;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use mongodb::bson::{Bson, DateTime, Document, doc};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use self::{
    changes::Changes,
    checks::{ADMIN, OF_THE_DRIVER, OPEN, WRITES, batch_of, collection, current_op_fields, inner, known_fields, natural, number, stages},
    login::{Login, User},
    matching::{run, select, stage_of, unknown_stage, whole},
    roles::shell,
};
pub use hands::Received;
pub use sick::{SickReplicaSet, sick_replica_set, sick_replica_set_at};

/// Code, its name, and what is said.
pub struct Failure(i32, &'static str, String);

fn fails(code: i32, name: &'static str, said: impl Into<String>) -> Failure {
    Failure(code, name, said.into())
}

/// What the server is in its set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Member {
    #[default]
    Standalone,
    Primary,
    /// Reads need a read preference.
    Secondary,
    /// A router before shards, whose operations have names such as `shard01:771204`.
    Mongos,
}

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct Options {
    user: Option<(String, String)>,
    roles: Vec<String>,
    others: Vec<(String, String, Vec<String>)>,
    member: Member,
    version: String,
}

impl Default for Options {
    /// A standalone server of 7.0.12 that wants no login.
    fn default() -> Self {
        Self { user: None, roles: vec![], others: vec![], member: Member::Standalone, version: "7.0.12".to_owned() }
    }
}

impl Options {
    /// The server wants this login, by SCRAM-SHA-256 in `admin`.
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.user = Some((name.to_owned(), password.to_owned()));
        self
    }

    /// What the user of [`Self::user`] may do, on a server without a login what everyone may: `hostManager`, `dbAdmin@shop` (without
    /// a database: `admin`). Without this, nobody may write.
    pub fn roles(mut self, roles: &[&str]) -> Self {
        self.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self
    }

    /// One more user, with roles of its own.
    pub fn also(mut self, name: &str, password: &str, roles: &[&str]) -> Self {
        self.others.push((name.to_owned(), password.to_owned(), roles.iter().map(|role| (*role).to_owned()).collect()));
        self
    }

    /// The server is this member of the set `rs0`.
    pub fn member(mut self, member: Member) -> Self {
        self.member = member;
        self
    }

    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }
}

/// What is done instead of the answer.
#[derive(Debug, Clone)]
enum Mood {
    Refuses(i32, String, String),
    Hangs,
    Drops,
}

struct Cursor {
    space: String,
    rest: Vec<Document>,
}

struct State {
    address: String,
    users: Vec<User>,
    /// On a server without users, what everyone may.
    open_roles: Vec<String>,
    /// The other members of the set.
    peers: Vec<(String, Weak<Mutex<State>>)>,
    /// Whom the whole set knows as its primary; every member's hello names it.
    known_primary: Arc<Mutex<Option<String>>>,
    /// Who becomes primary, to be told when this state is free.
    elected: Option<Weak<Mutex<State>>>,
    changes: Changes,
    member: Member,
    version: String,
    /// By database, command, and what the command is about (`""`: whatever it is).
    answers: HashMap<(String, String, String), Document>,
    moods: HashMap<String, Mood>,
    slow: HashMap<String, Duration>,
    collections: BTreeMap<(String, String), Vec<Document>>,
    /// By database, collection and stage.
    stages: HashMap<(String, String, String), Vec<Document>>,
    cursors: HashMap<i64, Cursor>,
    next_cursor: i64,
    connections: u64,
    /// Logins that succeeded and that failed.
    logins: (usize, usize),
    commands: Vec<(String, Document)>,
    writes: Vec<(String, Document)>,
    broken: Vec<String>,
}

/// It ends with the value, its connections too.
pub struct FakeMongod {
    state: Arc<Mutex<State>>,
    address: String,
    with_login: bool,
    running: JoinHandle<()>,
}

impl Drop for FakeMongod {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl FakeMongod {
    pub async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let with_login = options.user.is_some() || !options.others.is_empty();
        let own = options.user.map(|(name, password)| User::new(&name, &password, options.roles.clone()));
        let others = options.others.into_iter().map(|(name, password, roles)| User::new(&name, &password, roles));
        let state = Arc::new(Mutex::new(State {
            address: address.clone(),
            users: own.into_iter().chain(others).collect(),
            open_roles: if with_login { vec![] } else { options.roles },
            peers: vec![],
            known_primary: Arc::new(Mutex::new((options.member == Member::Primary).then(|| address.clone()))),
            elected: None,
            changes: Changes::default(),
            member: options.member,
            version: options.version,
            answers: HashMap::new(),
            moods: HashMap::new(),
            slow: HashMap::new(),
            collections: BTreeMap::new(),
            stages: HashMap::new(),
            cursors: HashMap::new(),
            next_cursor: 7_000_000_001,
            connections: 0,
            logins: (0, 0),
            commands: vec![],
            writes: vec![],
            broken: vec![],
        }));
        let shared = Arc::clone(&state);
        let running = tokio::spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                while conversations.try_join_next().is_some() {}
                conversations.spawn(converse(stream, Arc::clone(&shared)));
            }
        });
        Self { state, address, with_login, running }
    }

    /// For `user` and `password` as a client gives them, right or wrong; both empty for no login.
    pub fn uri(&self, user: &str, password: &str) -> String {
        if user.is_empty() {
            return format!("mongodb://{}/?directConnection=true", self.address);
        }
        let (user, password) = (percent(user), percent(password));
        format!("mongodb://{user}:{password}@{}/?directConnection=true&authSource=admin&authMechanism=SCRAM-SHA-256", self.address)
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether a login is wanted.
    pub fn wants_login(&self) -> bool {
        self.with_login
    }

    /// The command's answer in this database, `*` for any. `ok: 1.0` is added.
    pub fn answer(&self, database: &str, command: &str, answer: Document) {
        self.answer_for(database, command, "", answer);
    }

    /// As [`Self::answer`], for one value of the command only: `getLog: "global"`, `collStats: "orders"`.
    pub fn answer_for(&self, database: &str, command: &str, target: &str, answer: Document) {
        self.state().answers.insert((database.to_owned(), canonical(command).to_owned(), target.to_owned()), answer);
    }

    pub fn refuse(&self, command: &str, code: i32, code_name: &str, message: &str) {
        self.mood(command, Mood::Refuses(code, code_name.to_owned(), message.to_owned()));
    }

    /// The command is never answered; its connection stays open until the client leaves.
    pub fn hang(&self, command: &str) {
        self.mood(command, Mood::Hangs);
    }

    /// The connection is closed instead of an answer.
    pub fn drop_connection(&self, command: &str) {
        self.mood(command, Mood::Drops);
    }

    /// The command takes so long; a smaller `maxTimeMS` ends it with code 50.
    pub fn slow(&self, command: &str, takes: Duration) {
        self.state().slow.insert(canonical(command).to_owned(), takes);
    }

    /// Takes back [`Self::refuse`], [`Self::hang`], [`Self::drop_connection`] and [`Self::slow`].
    pub fn heal(&self, command: &str) {
        let mut state = self.state();
        state.moods.remove(canonical(command));
        state.slow.remove(canonical(command));
    }

    /// A collection with its documents, in place of what it held.
    pub fn collection(&self, database: &str, name: &str, documents: Vec<Document>) {
        self.state().collections.insert((database.to_owned(), name.to_owned()), documents);
    }

    /// What a first stage such as `$indexStats` yields; later stages run on it. `$currentOp` has the collection `""`.
    pub fn answer_stage(&self, database: &str, collection: &str, stage: &str, documents: Vec<Document>) {
        self.state().stages.insert((database.to_owned(), collection.to_owned(), stage.to_owned()), documents);
    }

    /// Every command with its database, in order, without hellos, logins and `endSessions`.
    pub fn commands(&self) -> Vec<(String, Document)> {
        self.state().commands.clone()
    }

    /// The newest command of this name.
    pub fn last(&self, command: &str) -> Option<Document> {
        self.state()
            .commands
            .iter()
            .rev()
            .find(|(_, sent)| sent.keys().next().is_some_and(|name| name == command))
            .map(|(_, sent)| sent.clone())
    }

    /// The commands that would have changed something, pipelines with `$out` and `$merge` too.
    pub fn writes(&self) -> Vec<(String, Document)> {
        self.state().writes.clone()
    }

    /// Names of the commands that came without a positive `maxTimeMS`, those of the driver itself aside.
    pub fn without_max_time(&self) -> Vec<String> {
        let without = |command: &Document| {
            let name = command.keys().next()?;
            let free = OF_THE_DRIVER.contains(&name.as_str()) || command.get("maxTimeMS").and_then(whole).is_some_and(|limit| limit > 0);
            (!free).then(|| name.clone())
        };
        self.state().commands.iter().filter_map(|(_, command)| without(command)).collect()
    }

    /// What was no message of the protocol at all. A test should find nothing here.
    pub fn broken(&self) -> Vec<String> {
        self.state().broken.clone()
    }

    /// Cursors that were neither read to their end nor killed.
    pub fn open_cursors(&self) -> usize {
        self.state().cursors.len()
    }

    /// Logins that succeeded, and that failed.
    pub fn logins(&self) -> (usize, usize) {
        self.state().logins
    }

    /// Connections that were ever made.
    pub fn connections(&self) -> u64 {
        self.state().connections
    }

    fn mood(&self, command: &str, mood: Mood) {
        self.state().moods.insert(canonical(command).to_owned(), mood);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// What is known of a connection.
struct Connection {
    number: u64,
    greeted: bool,
    login: Login,
}

/// One connection, from its hello to its end.
async fn converse(mut stream: TcpStream, shared: Arc<Mutex<State>>) {
    let _ = stream.set_nodelay(true);
    let mut connection = {
        let mut state = shared.lock().unwrap();
        state.connections += 1;
        Connection { number: state.connections, greeted: false, login: Login::default() }
    };
    loop {
        let message = match wire::read(&mut stream).await {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(broken) => return shared.lock().unwrap().broken.push(broken),
        };
        let name = message.command.keys().next().map(|name| canonical(name).to_owned()).unwrap_or_default();
        let database = message.command.get_str("$db").unwrap_or_default().to_owned();
        let (checked, mood, takes) = {
            let mut state = shared.lock().unwrap();
            let checked = state.checked(&connection, message.legacy, &name, &database, &message.command);
            (checked, state.moods.get(&name).cloned(), state.slow.get(&name).copied())
        };
        let answered = match (checked, mood) {
            (Err(failure), _) => Err(failure),
            (Ok(_), Some(Mood::Drops)) => return,
            (Ok(_), Some(Mood::Hangs)) => return left(&mut stream).await,
            (Ok(_), Some(Mood::Refuses(code, code_name, said))) => {
                Ok(doc! {"ok": 0.0, "errmsg": said, "code": code, "codeName": code_name})
            }
            (Ok(limit), None) => {
                let takes = takes.unwrap_or_default();
                let late = limit.is_some_and(|limit| limit < takes);
                tokio::select! {
                    () = tokio::time::sleep(limit.map_or(takes, |limit| limit.min(takes))), if !takes.is_zero() => {}
                    () = left(&mut stream), if !takes.is_zero() => return,
                    else => {}
                }
                if late {
                    Err(fails(50, "MaxTimeMSExpired", "operation exceeded time limit"))
                } else {
                    let (answer, elected) = {
                        let mut state = shared.lock().unwrap();
                        (state.answered(&mut connection, &name, &database, &message.command), state.elected.take())
                    };
                    // Not under our own lock: the other may be stepping down as well.
                    if let Some(other) = elected.and_then(|other| other.upgrade()) {
                        other.lock().unwrap().member = Member::Primary;
                    }
                    answer
                }
            }
        };
        let answer = answered.unwrap_or_else(|Failure(code, name, said)| doc! {"ok": 0.0, "errmsg": said, "code": code, "codeName": name});
        if !message.silent && wire::write(&mut stream, &message, &answer).await.is_err() {
            return;
        }
    }
}

/// Waits until the client closes the connection.
async fn left(stream: &mut TcpStream) {
    let mut byte = [0];
    let _ = stream.read(&mut byte).await;
}

impl State {
    /// Keeps the command and makes the checks that come before any answer; yields the command's time limit.
    fn checked(
        &mut self,
        connection: &Connection,
        legacy: bool,
        name: &str,
        database: &str,
        command: &Document,
    ) -> Result<Option<Duration>, Failure> {
        if !["hello", "saslStart", "saslContinue", "endSessions"].contains(&name) {
            self.commands.push((database.to_owned(), command.clone()));
        }
        let writes = WRITES.contains(&name)
            || (name == "profile"
                && (command.get("profile").and_then(whole) != Some(-1)
                    || ["slowms", "sampleRate", "filter"].iter().any(|field| command.contains_key(*field))))
            || (name == "aggregate" && stages(command).iter().any(|stage| ["$out", "$merge"].contains(&stage.as_str())));
        if writes {
            self.writes.push((database.to_owned(), command.clone()));
            let user = if connection.login.done { connection.login.name.clone() } else { String::new() };
            self.changes.received.push(Received { user, database: database.to_owned(), command: command.clone(), carried_out: false });
        }
        if legacy && name != "hello" {
            let said = format!("Unsupported OP_QUERY command: {name}. The client driver may require an upgrade.");
            return Err(fails(352, "UnsupportedOpQueryCommand", said));
        }
        if database.is_empty() {
            return Err(fails(40571, "Location40571", "OP_MSG requests require a $db argument"));
        }
        if ADMIN.contains(&name) && database != "admin" {
            return Err(fails(13, "Unauthorized", format!("{name} may only be run against the admin database.")));
        }
        if !self.users.is_empty() && !connection.login.done && !OPEN.contains(&name) {
            return Err(fails(13, "Unauthorized", format!("Command {name} requires authentication")));
        }
        if writes && !self.may(connection, name, database, command) {
            let said = format!("not authorized on {database} to execute command {}", shell(command));
            return Err(fails(13, "Unauthorized", said));
        }
        let limit = match command.get("maxTimeMS") {
            None => None,
            Some(limit) => match whole(limit) {
                Some(limit @ 0..=0x7fff_ffff) => (limit > 0).then(|| Duration::from_millis(limit as u64)),
                Some(limit) => return Err(fails(2, "BadValue", format!("{limit} value for maxTimeMS is out of range [0, 2147483647]"))),
                None => return Err(fails(2, "BadValue", "maxTimeMS must be a number")),
            },
        };
        self.readable(name, command)?;
        Ok(limit)
    }

    /// Checks the read preference, and that a secondary may be read.
    fn readable(&self, name: &str, command: &Document) -> Result<(), Failure> {
        let mode = match command.get("$readPreference") {
            None => "primary",
            Some(Bson::Document(preference)) => preference.get_str("mode").unwrap_or_default(),
            Some(_) => return Err(fails(14, "TypeMismatch", "$readPreference has incorrect type")),
        };
        if !["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"].contains(&mode) {
            return Err(fails(
                9,
                "FailedToParse",
                format!(
                    "Could not parse $readPreference mode '{mode}'. Only the modes 'primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', and 'nearest' are supported."
                ),
            ));
        }
        let reads =
            ["find", "aggregate", "count", "listCollections", "listDatabases", "listIndexes", "collStats", "dbStats"].contains(&name);
        if reads && self.member == Member::Secondary && mode == "primary" && command.get_str("$db").ok() != Some("local") {
            return Err(fails(13435, "NotPrimaryNoSecondaryOk", "not primary and secondaryOk=false"));
        }
        Ok(())
    }

    fn answered(&mut self, connection: &mut Connection, name: &str, database: &str, command: &Document) -> Result<Document, Failure> {
        match name {
            "hello" => return self.hello(connection, command),
            "saslStart" => {
                let begun = connection.login.start(&self.users, database, command, connection.number);
                self.logins.1 += usize::from(begun.is_err());
                return begun;
            }
            "saslContinue" => {
                let before = connection.login.done;
                let proceeded = connection.login.proceed(&self.users, command);
                self.logins.0 += usize::from(!before && connection.login.done);
                self.logins.1 += usize::from(proceeded.is_err());
                return proceeded;
            }
            "getMore" => return self.get_more(database, command),
            "killCursors" => return Ok(self.kill_cursors(command)),
            "find" | "count" | "listCollections" | "aggregate" => known_fields(name, command)?,
            "killOp" | "replSetStepDown" => return self.changed(name, command),
            "profile" => {
                if let Some(answer) = self.profile(database, command)? {
                    return Ok(answer);
                }
            }
            _ => {}
        }
        if let Some(mut answer) = self.scripted(name, database, command) {
            if let ("currentOp", Ok(running)) = (name, answer.get_array("inprog")) {
                let running = running.iter().filter_map(Bson::as_document).cloned().collect();
                answer.insert("inprog", self.changes.still_running(running));
            }
            if name == "replSetGetStatus" && self.changes.stepped_down {
                self.changes.rewrite_status(&mut answer);
            }
            return Ok(answer);
        }
        match name {
            "ping" | "endSessions" | "logout" => Ok(doc! {"ok": 1.0}),
            "buildInfo" => {
                let parts: Vec<i32> = self.version.split('.').filter_map(|part| part.parse().ok()).chain([0]).collect();
                Ok(
                    doc! {"version": &self.version, "gitVersion": "0".repeat(40), "modules": [], "versionArray": parts, "bits": 64, "debug": false, "maxBsonObjectSize": 16_777_216, "storageEngines": ["devnull", "wiredTiger"], "ok": 1.0},
                )
            }
            "listDatabases" => self.list_databases(command),
            "listCollections" => self.list_collections(database, command),
            "find" => self.find(database, command),
            "count" => {
                let query = inner(command, "query")?;
                let found = select(
                    self.documents(database, collection(command)?),
                    &query,
                    &doc! {},
                    natural(command, "skip")?,
                    number(command, "limit")?,
                )?;
                Ok(doc! {"n": found.len() as i32, "ok": 1.0})
            }
            "aggregate" => self.aggregate(database, command),
            other => Err(fails(59, "CommandNotFound", format!("no such command: '{other}'"))),
        }
    }

    fn scripted(&self, name: &str, database: &str, command: &Document) -> Option<Document> {
        let target = command.values().next().and_then(Bson::as_str).unwrap_or_default();
        let mut places = [(database, target), ("*", target), (database, ""), ("*", "")].into_iter();
        let found = places.find_map(|(database, target)| self.answers.get(&(database.to_owned(), name.to_owned(), target.to_owned())));
        let mut answer = found?.clone();
        if !answer.contains_key("ok") {
            answer.insert("ok", 1.0);
        }
        Some(answer)
    }

    fn hello(&mut self, connection: &mut Connection, command: &Document) -> Result<Document, Failure> {
        if connection.greeted && command.contains_key("client") {
            let said = "The client metadata document may only be sent in the first hello";
            return Err(fails(186, "ClientMetadataCannotBeMutated", said));
        }
        connection.greeted = true;
        let primary = self.member != Member::Secondary;
        let mut hello = doc! {"helloOk": true, "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000, "localTime": DateTime::now(), "logicalSessionTimeoutMinutes": 30, "connectionId": connection.number as i32, "minWireVersion": 0, "maxWireVersion": 21, "readOnly": false};
        hello.insert(if command.contains_key("hello") { "isWritablePrimary" } else { "ismaster" }, primary);
        if self.member == Member::Mongos {
            hello.insert("msg", "isdbgrid");
        } else if self.member != Member::Standalone {
            let hosts: Vec<&String> = std::iter::once(&self.address).chain(self.peers.iter().map(|(address, _)| address)).collect();
            hello.extend(doc! {"setName": "rs0", "setVersion": 1, "hosts": hosts, "me": &self.address, "secondary": !primary});
            if let Some(known) = self.known_primary.lock().unwrap().as_ref() {
                hello.insert("primary", known);
            }
        }
        if let Ok(wanted) = command.get_str("saslSupportedMechs")
            && self.users.iter().any(|user| wanted == format!("admin.{}", user.name))
        {
            hello.insert("saslSupportedMechs", vec!["SCRAM-SHA-256"]);
        }
        if let Ok(begin) = command.get_document("speculativeAuthenticate") {
            let database = begin.get_str("db").unwrap_or_default();
            // A real server leaves it out when it fails.
            if let Ok(answer) = connection.login.start(&self.users, database, begin, connection.number) {
                hello.insert("speculativeAuthenticate", answer);
            }
        }
        hello.insert("ok", 1.0);
        Ok(hello)
    }

    fn list_databases(&self, command: &Document) -> Result<Document, Failure> {
        let names_only = command.get_bool("nameOnly").unwrap_or(false);
        let mut sizes = BTreeMap::<&str, i64>::new();
        for ((database, _), documents) in &self.collections {
            *sizes.entry(database).or_default() +=
                4096 + documents.iter().map(|document| document.to_vec().unwrap().len() as i64).sum::<i64>();
        }
        let all: Vec<Document> = sizes.iter().map(|(name, size)| doc! {"name": *name, "sizeOnDisk": size, "empty": false}).collect();
        let found = select(&all, &inner(command, "filter")?, &doc! {}, 0, 0)?;
        let total: i64 = found.iter().filter_map(|database| database.get_i64("sizeOnDisk").ok()).sum();
        if names_only {
            let names: Vec<Document> = found.iter().map(|database| doc! {"name": database.get_str("name").unwrap_or_default()}).collect();
            return Ok(doc! {"databases": names, "ok": 1.0});
        }
        Ok(doc! {"databases": found, "totalSize": total, "totalSizeMb": total / 1_048_576, "ok": 1.0})
    }

    fn list_collections(&mut self, database: &str, command: &Document) -> Result<Document, Failure> {
        let names_only = command.get_bool("nameOnly").unwrap_or(false);
        let names = self.collections.keys().filter(|(place, _)| place == database).map(|(_, name)| name);
        let all = names.map(|name| {
            let mut entry = doc! {"name": name, "type": "collection"};
            if !names_only {
                entry.extend(doc! {"options": {}, "info": {"readOnly": false}, "idIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_"}});
            }
            entry
        });
        let found = select(&all.collect::<Vec<_>>(), &inner(command, "filter")?, &doc! {}, 0, 0)?;
        let batch = inner(command, "cursor")?;
        Ok(self.cursor(format!("{database}.$cmd.listCollections"), found, batch_of(&batch)?.unwrap_or(usize::MAX), false))
    }

    fn find(&mut self, database: &str, command: &Document) -> Result<Document, Failure> {
        let (name, limit) = (collection(command)?.to_owned(), natural(command, "limit")?);
        let (filter, sort) = (inner(command, "filter")?, inner(command, "sort")?);
        inner(command, "projection")?;
        let found = select(self.documents(database, &name), &filter, &sort, natural(command, "skip")?, limit)?;
        let single = command.get_bool("singleBatch").unwrap_or(false);
        Ok(self.cursor(format!("{database}.{name}"), found, batch_of(command)?.unwrap_or(101), single))
    }

    fn aggregate(&mut self, database: &str, command: &Document) -> Result<Document, Failure> {
        let pipeline =
            command.get_array("pipeline").map_err(|_| fails(14, "TypeMismatch", "'pipeline' option must be specified as an array"))?;
        let Ok(options) = command.get_document("cursor") else {
            let said = "The 'cursor' option is required, except for aggregate with the explain argument";
            return Err(fails(9, "FailedToParse", said));
        };
        let batch = batch_of(options)?.unwrap_or(101);
        let name = match command.get("aggregate") {
            Some(Bson::String(name)) if !name.is_empty() => name.clone(),
            Some(target) if whole(target) == Some(1) => String::new(),
            _ => {
                return Err(fails(9, "FailedToParse", "Invalid command format: the 'aggregate' field must specify a collection name or 1"));
            }
        };
        let first = pipeline.first().map(stage_of).transpose()?;
        let space = if name.is_empty() { format!("{database}.$cmd.aggregate") } else { format!("{database}.{name}") };
        let (source, rest) = match first {
            Some(("$currentOp", _)) if database != "admin" || !name.is_empty() => {
                return Err(fails(73, "InvalidNamespace", "$currentOp must be run against the 'admin' database with {aggregate: 1}"));
            }
            Some(("$currentOp", argument)) => {
                current_op_fields(argument)?;
                let running = self.stages.get(&("admin".to_owned(), String::new(), "$currentOp".to_owned())).cloned().unwrap_or_default();
                (self.changes.still_running(running), 1)
            }
            Some((stage, _)) if self.stages.contains_key(&(database.to_owned(), name.clone(), stage.to_owned())) => {
                (self.stages.get(&(database.to_owned(), name.clone(), stage.to_owned())).cloned().unwrap_or_default(), 1)
            }
            Some((stage, _)) if name.is_empty() => {
                return Err(fails(
                    73,
                    "InvalidNamespace",
                    format!("{{aggregate: 1}} is not valid for '{stage}'; a collection is required."),
                ));
            }
            Some(("$indexStats", _)) => (vec![], 1),
            Some(("$collStats", _)) => {
                return Err(fails(
                    26,
                    "NamespaceNotFound",
                    format!("Unable to retrieve storageStats in $collStats stage :: caused by :: Collection [{space}] not found."),
                ));
            }
            Some((stage, _)) if !stage.starts_with('$') => return Err(unknown_stage(stage)),
            _ => (self.documents(database, &name).to_vec(), 0),
        };
        let found = run(source, pipeline.get(rest..).unwrap_or_default())?;
        Ok(self.cursor(space, found, batch, false))
    }

    fn documents(&self, database: &str, name: &str) -> &[Document] {
        self.collections.get(&(database.to_owned(), name.to_owned())).map(Vec::as_slice).unwrap_or_default()
    }

    /// The first batch, and a cursor for the rest.
    fn cursor(&mut self, space: String, mut found: Vec<Document>, batch: usize, single: bool) -> Document {
        let rest = found.split_off(batch.min(found.len()));
        let mut id = 0;
        if !single && (!rest.is_empty() || batch == 0) {
            id = self.next_cursor;
            self.next_cursor += 1;
            self.cursors.insert(id, Cursor { space: space.clone(), rest });
        }
        doc! {"cursor": {"firstBatch": found, "id": id, "ns": space}, "ok": 1.0}
    }

    fn get_more(&mut self, database: &str, command: &Document) -> Result<Document, Failure> {
        known_fields("getMore", command)?;
        if command.contains_key("maxTimeMS") {
            return Err(fails(2, "BadValue", "cannot set maxTimeMS on getMore command for a non-awaitData cursor"));
        }
        let id = command
            .get_i64("getMore")
            .map_err(|_| fails(14, "TypeMismatch", "BSON field 'getMore.getMore' is the wrong type, expected type 'long'"))?;
        let name = command
            .get_str("collection")
            .map_err(|_| fails(40414, "IDLFailedToParse", "BSON field 'getMore.collection' is missing but a required field"))?;
        let asked = format!("{database}.{name}");
        let batch = match number(command, "batchSize")? {
            0 => usize::MAX,
            batch => usize::try_from(batch).map_err(|_| fails(51024, "Location51024", "BSON field 'batchSize' value must be >= 0"))?,
        };
        let Some(cursor) = self.cursors.get_mut(&id) else {
            return Err(fails(43, "CursorNotFound", format!("cursor id {id} not found")));
        };
        if cursor.space != asked {
            let said = format!("Requested getMore on namespace '{asked}', but cursor belongs to a different namespace {}", cursor.space);
            return Err(fails(13, "Unauthorized", said));
        }
        let rest = cursor.rest.split_off(batch.min(cursor.rest.len()));
        let next = std::mem::replace(&mut cursor.rest, rest);
        let open = !cursor.rest.is_empty();
        if !open {
            self.cursors.remove(&id);
        }
        Ok(doc! {"cursor": {"nextBatch": next, "id": if open { id } else { 0 }, "ns": asked}, "ok": 1.0})
    }

    fn kill_cursors(&mut self, command: &Document) -> Document {
        let ids = command.get_array("cursors").cloned().unwrap_or_default();
        let (killed, unknown): (Vec<Bson>, Vec<Bson>) =
            ids.into_iter().partition(|id| id.as_i64().is_some_and(|id| self.cursors.remove(&id).is_some()));
        doc! {"cursorsKilled": killed, "cursorsNotFound": unknown, "cursorsAlive": [], "cursorsUnknown": [], "ok": 1.0}
    }
}

/// One name for the commands that have two.
fn canonical(name: &str) -> &str {
    match name {
        "isMaster" | "ismaster" => "hello",
        "buildinfo" => "buildInfo",
        other => other,
    }
}

fn percent(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(byte).collect()
}
