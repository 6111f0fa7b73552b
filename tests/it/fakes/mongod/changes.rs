//! The commands that change something and that the fake carries out: `killOp`, `replSetStepDown` and `profile`.

use std::collections::HashMap;

use mongodb::bson::{Bson, Document, doc};

use super::{Failure, Member, Received, State, fails, matching::whole};

/// How long a primary stays away, and how long it waits for a secondary, when nobody says: seconds. Source: the server's defaults.
const STEP_DOWN: i64 = 60;
const CATCH_UP: i64 = 10;

/// What was changed.
#[derive(Default)]
pub struct Changes {
    pub killed: Vec<Bson>,
    pub stubborn: Vec<Bson>,
    pub lagging: bool,
    pub stepped_down: bool,
    pub levels: HashMap<String, i32>,
    slow_ms: Option<i32>,
    sample_rate: Option<f64>,
    pub received: Vec<Received>,
}

/// Ids are the same whatever kind of number they are; a negative one is the same 32 bits.
pub fn same_id(a: &Bson, b: &Bson) -> bool {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a as u32 == b as u32,
        _ => a == b,
    }
}

impl Changes {
    /// Running operations without the killed ones; one that does not end shows that it should.
    pub fn still_running(&self, operations: Vec<Document>) -> Vec<Document> {
        let among = |all: &[Bson], opid: &Bson| all.iter().any(|known| same_id(known, opid));
        let running = operations.into_iter().filter_map(|mut operation| {
            let Some(opid) = operation.get("opid").filter(|opid| among(&self.killed, opid)) else { return Some(operation) };
            if !among(&self.stubborn, opid) {
                return None;
            }
            operation.insert("killPending", true);
            Some(operation)
        });
        running.collect()
    }

    /// Level, `slowms` and `sampleRate`; `scripted` is what a test says of the time before any change.
    pub fn profiling(&self, level: Option<i32>, scripted: &Document) -> (i32, i32, f64) {
        let number = |name: &str| scripted.get(name).and_then(whole).and_then(|number| i32::try_from(number).ok());
        let rate = scripted.get_f64("sampleRate").unwrap_or(1.0);
        (level.or(number("was")).unwrap_or(0), self.slow_ms.or(number("slowms")).unwrap_or(100), self.sample_rate.unwrap_or(rate))
    }

    /// Another member is primary: the secondary that is nearest, in place of us.
    pub fn rewrite_status(&self, status: &mut Document) {
        let now_secondary = |member: &mut Document| {
            member.extend(doc! {"state": 2, "stateStr": "SECONDARY"});
            member.remove("electionTime");
            member.remove("electionDate");
        };
        if status.get("myState").and_then(whole) != Some(1) {
            return;
        }
        status.insert("myState", 2);
        let term = status.get("term").and_then(whole).unwrap_or(1) + 1;
        status.insert("term", term);
        let Ok(members) = status.get_array_mut("members") else { return };
        let mut nearest: Option<(usize, mongodb::bson::DateTime)> = None;
        for (at, member) in members.iter_mut().enumerate() {
            let Some(member) = member.as_document_mut() else { continue };
            let state = member.get("state").and_then(whole);
            let applied = member.get_datetime("optimeDate").copied().unwrap_or(mongodb::bson::DateTime::MIN);
            if state == Some(1) {
                now_secondary(member);
            } else if state == Some(2) && nearest.is_none_or(|(_, best)| applied > best) {
                nearest = Some((at, applied));
            }
        }
        if let Some(next) = nearest.and_then(|(at, _)| members[at].as_document_mut()) {
            next.extend(doc! {"state": 1, "stateStr": "PRIMARY"});
        }
    }
}

impl State {
    pub fn changed(&mut self, name: &str, command: &Document) -> Result<Document, Failure> {
        let answer = if name == "killOp" { self.kill_op(command) } else { self.step_down(command) }?;
        self.carried_out();
        Ok(answer)
    }

    /// The newest write is carried out.
    fn carried_out(&mut self) {
        if let Some(write) = self.changes.received.last_mut() {
            write.carried_out = true;
        }
    }

    /// The operations that a test says run, killed ones too.
    pub fn operations(&self) -> Vec<Document> {
        let mut all = self.stages.get(&("admin".to_owned(), String::new(), "$currentOp".to_owned())).cloned().unwrap_or_default();
        if let Some(answer) = self.scripted("currentOp", "admin", &doc! {"currentOp": 1})
            && let Ok(running) = answer.get_array("inprog")
        {
            all.extend(running.iter().filter_map(Bson::as_document).cloned());
        }
        all
    }

    fn kill_op(&mut self, command: &Document) -> Result<Document, Failure> {
        if let (Member::Mongos, Some(Bson::String(name))) = (self.member, command.get("op")) {
            let bad = || {
                let said = format!("The op argument to killOp must be of the format shardid:opid but found \"{name}\"");
                fails(28_625, "Location28625", said)
            };
            let (shard, number) =
                name.rsplit_once(':').filter(|(shard, number)| !shard.is_empty() && !number.is_empty()).ok_or_else(bad)?;
            let number: i64 = number.parse().map_err(|_| fails(9, "FailedToParse", format!("Did not consume whole string: {number}")))?;
            let known = self.operations().iter().any(|operation| {
                operation.get_str("opid").is_ok_and(|opid| opid.rsplit_once(':').is_some_and(|(known, _)| known == shard))
                    || operation.get_str("shard").ok() == Some(shard)
            });
            if !known {
                return Err(fails(70, "ShardNotFound", format!("Could not find shard {shard}")));
            }
            self.changes.killed.push(Bson::String(name.clone()));
            return Ok(doc! {"shard": shard, "shardid": number as i32, "ok": 1.0});
        }
        let Some(opid) = command.get("op") else {
            return Err(match self.member {
                Member::Mongos => fails(50_759, "Location50759", "Did not provide \"op\" field"),
                _ => fails(4, "NoSuchKey", "Missing expected field \"op\""),
            });
        };
        let number = match opid {
            Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) => whole(opid).ok_or_else(|| {
                fails(
                    2,
                    "BadValue",
                    format!("Expected field \"op\" to have a value exactly representable as a 64-bit integer, but found {opid}"),
                )
            })?,
            other => {
                let kind = if matches!(other, Bson::String(_)) { "string" } else { "object" };
                return Err(fails(14, "TypeMismatch", format!("Expected field \"op\" to have numeric type, but found {kind}")));
            }
        };
        if number < i64::from(i32::MIN) || number > i64::from(u32::MAX) {
            return Err(fails(26_823, "Location26823", format!("invalid op : {number}")));
        }
        // A real server says the same of an id that nobody has.
        self.changes.killed.push(opid.clone());
        Ok(doc! {"info": "attempting to kill op", "ok": 1.0})
    }

    fn step_down(&mut self, command: &Document) -> Result<Document, Failure> {
        match self.member {
            Member::Mongos => return Err(fails(59, "CommandNotFound", "no such command: 'replSetStepDown'")),
            Member::Standalone => return Err(fails(76, "NoReplicationEnabled", "not running with --replSet")),
            Member::Primary | Member::Secondary => {}
        }
        let force =
            command.get("force").is_some_and(|force| force.as_bool().unwrap_or_else(|| whole(force).is_some_and(|force| force != 0)));
        let seconds = match command.get("replSetStepDown").and_then(whole).unwrap_or(0) {
            0 => STEP_DOWN,
            seconds if seconds < 0 => return Err(fails(2, "BadValue", "stepdown period must be a positive integer")),
            seconds => seconds,
        };
        let waits = match command.get("secondaryCatchUpPeriodSecs") {
            None => {
                if force {
                    0
                } else {
                    CATCH_UP
                }
            }
            Some(waits) => whole(waits).ok_or_else(|| {
                fails(14, "TypeMismatch", "Expected field \"secondaryCatchUpPeriodSecs\" to have numeric type, but found string")
            })?,
        };
        if waits < 0 {
            return Err(fails(2, "BadValue", "secondaryCatchUpPeriodSecs period must be a positive or absent"));
        }
        if seconds < waits {
            return Err(fails(2, "BadValue", "stepdown period must be longer than secondaryCatchUpPeriodSecs"));
        }
        if self.member != Member::Primary {
            return Err(fails(10_107, "NotWritablePrimary", "not primary so can't step down"));
        }
        if self.changes.lagging && !force {
            let now = mongodb::bson::DateTime::now().try_to_rfc3339_string().unwrap_or_default();
            let said = format!(
                "No electable secondaries caught up as of {now}. Please use the replSetStepDown command with the argument {{force: true}} to force node to step down."
            );
            return Err(fails(262, "ExceededTimeLimit", said));
        }
        self.member = Member::Secondary;
        self.changes.stepped_down = true;
        self.elected = self.peers.first().map(|(_, peer)| peer.clone());
        *self.known_primary.lock().unwrap() = self.peers.first().map(|(address, _)| address.clone());
        Ok(doc! {"ok": 1.0})
    }

    /// `None` for a reading of what a test has scripted, before anything was changed.
    pub fn profile(&mut self, database: &str, command: &Document) -> Result<Option<Document>, Failure> {
        let wrong = |field: &str, kind: &str| {
            fails(14, "TypeMismatch", format!("BSON field 'profile.{field}' is the wrong type, expected types '[{kind}]'"))
        };
        let level = command.get("profile").and_then(whole).ok_or_else(|| wrong("profile", "int, decimal, double, long"))?;
        let slow = match command.get("slowms") {
            None => None,
            Some(slow) => {
                Some(whole(slow).and_then(|slow| i32::try_from(slow).ok()).ok_or_else(|| wrong("slowms", "int, decimal, double, long"))?)
            }
        };
        let rate = match command.get("sampleRate") {
            None => None,
            Some(rate) => Some(rate.as_f64().or_else(|| whole(rate).map(|rate| rate as f64)).ok_or_else(|| wrong("sampleRate", "double"))?),
        };
        if rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err(fails(2, "BadValue", "'sampleRate' must be between 0.0 and 1.0 inclusive"));
        }
        let sets_level = (0..=2).contains(&level);
        let scripted = self.scripted("profile", database, command);
        let untouched = self.changes.levels.is_empty() && self.changes.slow_ms.is_none() && self.changes.sample_rate.is_none();
        if !sets_level && slow.is_none() && rate.is_none() && untouched && scripted.is_some() {
            return Ok(None);
        }
        if self.member == Member::Mongos && sets_level && level != 0 {
            return Err(fails(2, "BadValue", "Profiling is not permitted on mongoS: the level must be 0"));
        }
        let (was, slow_ms, sample_rate) = self.changes.profiling(self.changes.levels.get(database).copied(), &scripted.unwrap_or_default());
        if sets_level {
            self.changes.levels.insert(database.to_owned(), level as i32);
        }
        self.changes.slow_ms = slow.or(self.changes.slow_ms);
        self.changes.sample_rate = rate.or(self.changes.sample_rate);
        if sets_level || slow.is_some() || rate.is_some() {
            self.carried_out();
        }
        Ok(Some(doc! {"was": was, "slowms": slow_ms, "sampleRate": sample_rate, "ok": 1.0}))
    }
}
