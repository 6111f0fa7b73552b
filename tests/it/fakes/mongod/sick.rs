//! A replica set that is not well, as its primary tells it: the cache is full and dirty, connections and tickets run out, a query
//! scans `shop.orders` since 412 s, a deletion waits for its lock, one secondary is 400 s behind and one is recovering.

use mongodb::bson::{Bson, DateTime, Document, Timestamp, doc};

use super::FakeMongod;

const GB: i64 = 1 << 30;

/// The answers, to change before they are loaded.
#[derive(Debug, Clone)]
pub struct SickReplicaSet {
    pub server_status: Document,
    pub status: Document,
    pub config: Document,
    pub current_op: Vec<Document>,
    pub profile: Vec<Document>,
    pub coll_stats: Document,
    pub db_stats: Document,
    pub index_stats: Vec<Document>,
    pub log: Vec<String>,
    pub warnings: Vec<String>,
    pub top: Document,
    /// The oldest and the newest entry of `local.oplog.rs`: a window of three hours.
    pub oplog: Vec<Document>,
    pub oplog_stats: Document,
    pub host_info: Document,
    pub parameters: Document,
    pub command_line: Document,
    pub orders: Vec<Document>,
}

/// As it is now.
pub fn sick_replica_set() -> SickReplicaSet {
    sick_replica_set_at(DateTime::now())
}

/// As it is for a test whose clock stands at `now`.
pub fn sick_replica_set_at(now: DateTime) -> SickReplicaSet {
    SickReplicaSet {
        server_status: server_status(now),
        status: status(now),
        config: doc! {"config": {"_id": "rs0", "version": 3, "term": 11_i64, "protocolVersion": 1_i64, "members": (0..3).map(|id| Bson::Document(doc! {"_id": id, "host": host(id), "arbiterOnly": false, "hidden": false, "priority": if id == 0 { 2.0 } else { 1.0 }, "votes": 1, "secondaryDelaySecs": 0_i64})).collect::<Vec<_>>(), "settings": {"heartbeatIntervalMillis": 2000, "electionTimeoutMillis": 10000_i64, "chainingAllowed": true}}},
        current_op: current_op(now),
        profile: profile(now),
        coll_stats: coll_stats("shop.orders", 2_000_000, 6 * GB),
        db_stats: doc! {"db": "shop", "collections": 4_i64, "views": 0_i64, "objects": 2_400_000_i64, "avgObjSize": 3221.0, "dataSize": (7 * GB) as f64, "storageSize": (3 * GB) as f64, "indexes": 6_i64, "indexSize": (GB / 2) as f64, "totalSize": (3 * GB + GB / 2) as f64, "scaleFactor": 1_i64, "fsUsedSize": (91 * GB) as f64, "fsTotalSize": (100 * GB) as f64},
        index_stats: vec![
            doc! {"name": "_id_", "key": {"_id": 1}, "host": host(0), "accesses": {"ops": 81_244_i64, "since": before(now, 259_200)}, "spec": {"v": 2, "key": {"_id": 1}, "name": "_id_"}},
            doc! {"name": "legacy_1", "key": {"legacy": 1}, "host": host(0), "accesses": {"ops": 0_i64, "since": before(now, 259_200)}, "spec": {"v": 2, "key": {"legacy": 1}, "name": "legacy_1"}},
        ],
        log: log(now),
        warnings: vec![line(before(now, 259_190), "W", "CONTROL", 22178, "initandlisten", "Transparent hugepages are enabled. Performance may be degraded", serde_json::json!({}))],
        top: top(),
        oplog: vec![
            doc! {"op": "n", "ns": "", "o": {"msg": "initiating set"}, "ts": stamp(before(now, 10_800)), "t": 11_i64, "v": 2_i64, "wall": before(now, 10_800)},
            doc! {"op": "u", "ns": "shop.orders", "o": {"$v": 2, "diff": {"u": {"status": "paid"}}}, "o2": {"_id": 1}, "ts": stamp(before(now, 1)), "t": 11_i64, "v": 2_i64, "wall": before(now, 1)},
        ],
        oplog_stats: { let mut stats = coll_stats("local.oplog.rs", 900_000, GB); stats.extend(doc! {"capped": true, "maxSize": GB, "max": -1_i64}); stats },
        host_info: doc! {"system": {"currentTime": now, "hostname": host(0), "cpuAddrSize": 64, "memSizeMB": 16_384_i64, "memLimitMB": 16_384_i64, "numCores": 4, "numCoresAvailableToProcess": 4, "numPhysicalCores": 2, "cpuArch": "x86_64", "numaEnabled": false, "numNumaNodes": 1}, "os": {"type": "Linux", "name": "Ubuntu", "version": "22.04"}, "extra": {"versionString": "Linux version 5.15.0-113-generic", "kernelVersion": "5.15.0-113-generic", "cpuFrequencyMHz": "2499.998", "pageSize": 4096_i64, "maxOpenFiles": 64_000}},
        parameters: doc! {"slowMS": 100, "wiredTigerConcurrentReadTransactions": 128, "wiredTigerConcurrentWriteTransactions": 128, "cursorTimeoutMillis": 600_000_i64, "transactionLifetimeLimitSeconds": 60, "ttlMonitorEnabled": true, "ttlMonitorSleepSecs": 60, "diagnosticDataCollectionEnabled": true, "enableFlowControl": true, "flowControlTargetLagSeconds": 10, "featureCompatibilityVersion": {"version": "7.0"}},
        command_line: doc! {"argv": ["/usr/bin/mongod", "--config", "/etc/mongod.conf"], "parsed": {"config": "/etc/mongod.conf", "net": {"bindIp": "0.0.0.0", "maxIncomingConnections": 1000, "port": 27017}, "operationProfiling": {"mode": "slowOp", "slowOpThresholdMs": 100}, "replication": {"oplogSizeMB": 1024, "replSetName": "rs0"}, "security": {"authorization": "enabled", "keyFile": "/etc/mongo/keyfile"}, "storage": {"dbPath": "/var/lib/mongodb", "wiredTiger": {"engineConfig": {"cacheSizeGB": 8.0}}}, "systemLog": {"destination": "file", "logAppend": true, "path": "/var/log/mongodb/mongod.log"}}},
        orders: (0..250).map(|id| doc! {"_id": id, "status": if id % 5 == 0 { "new" } else { "paid" }, "total": id * 3, "at": before(now, i64::from(id) * 60)}).collect(),
    }
}

impl SickReplicaSet {
    /// Makes the server answer all of it.
    pub fn load(&self, server: &FakeMongod) {
        server.answer("*", "serverStatus", self.server_status.clone());
        server.answer("admin", "replSetGetStatus", self.status.clone());
        server.answer("admin", "replSetGetConfig", self.config.clone());
        server.answer("admin", "currentOp", doc! {"inprog": self.current_op.clone()});
        server.answer_stage("admin", "", "$currentOp", self.current_op.clone());
        server.answer_for("shop", "collStats", "orders", self.coll_stats.clone());
        server.answer_for("local", "collStats", "oplog.rs", self.oplog_stats.clone());
        let storage = |place: &str, stats: &Document| {
            vec![doc! {"ns": place, "host": host(0), "storageStats": stats.clone(), "count": stats.get("count").cloned()}]
        };
        server.answer_stage("shop", "orders", "$collStats", storage("shop.orders", &self.coll_stats));
        server.answer_stage("local", "oplog.rs", "$collStats", storage("local.oplog.rs", &self.oplog_stats));
        server.answer_stage("shop", "orders", "$indexStats", self.index_stats.clone());
        server.answer("shop", "dbStats", self.db_stats.clone());
        server.answer("shop", "profile", doc! {"was": 1, "slowms": 100, "sampleRate": 1.0});
        server.answer_for("admin", "getLog", "global", doc! {"totalLinesWritten": self.log.len() as i32, "log": self.log.clone()});
        server.answer_for(
            "admin",
            "getLog",
            "startupWarnings",
            doc! {"totalLinesWritten": self.warnings.len() as i32, "log": self.warnings.clone()},
        );
        server.answer_for("admin", "getLog", "*", doc! {"names": ["global", "startupWarnings"]});
        server.answer("admin", "top", self.top.clone());
        server.answer("admin", "hostInfo", self.host_info.clone());
        server.answer("admin", "getParameter", self.parameters.clone());
        server.answer("admin", "getCmdLineOpts", self.command_line.clone());
        server.answer_for("shop", "listIndexes", "orders", doc! {"cursor": {"id": 0_i64, "ns": "shop.orders", "firstBatch": [{"v": 2, "key": {"_id": 1}, "name": "_id_"}, {"v": 2, "key": {"legacy": 1}, "name": "legacy_1"}]}});
        server.collection("shop", "orders", self.orders.clone());
        server.collection("shop", "system.profile", self.profile.clone());
        server.collection("local", "oplog.rs", self.oplog.clone());
    }
}

fn host(member: i32) -> String {
    format!("mongo-{member}.mongo.shop.svc:27017")
}

fn before(now: DateTime, seconds: i64) -> DateTime {
    DateTime::from_millis(now.timestamp_millis() - seconds * 1000)
}

fn stamp(time: DateTime) -> Timestamp {
    Timestamp { time: u32::try_from(time.timestamp_millis() / 1000).unwrap_or_default(), increment: 1 }
}

fn at(time: DateTime) -> Document {
    doc! {"ts": stamp(time), "t": 11_i64}
}

fn server_status(now: DateTime) -> Document {
    let cache = 8 * GB;
    doc! {
        "host": host(0), "version": "7.0.12", "process": "mongod", "service": ["mongod"], "pid": 1_i64,
        "uptime": 259_200.0, "uptimeMillis": 259_200_123_i64, "uptimeEstimate": 259_200_i64, "localTime": now,
        "asserts": {"regular": 0, "warning": 0, "msg": 0, "user": 1_204, "tripwire": 0, "rollovers": 0},
        "connections": {"current": 980, "available": 20, "totalCreated": 54_112, "rejected": 37, "active": 412, "threaded": 980, "exhaustIsMaster": 0, "exhaustHello": 12, "awaitingTopologyChanges": 12},
        "extra_info": {"note": "fields vary by platform", "page_faults": 42_i64},
        "flowControl": {"enabled": true, "targetRateLimit": 120, "timeAcquiringMicros": 912_000_000_i64, "locksPerKiloOp": 1000.0, "sustainerRate": 110, "isLagged": true, "isLaggedCount": 14, "isLaggedTimeMicros": 390_000_000_i64},
        "globalLock": {"totalTime": 259_200_000_000_i64, "currentQueue": {"total": 141, "readers": 96, "writers": 45}, "activeClients": {"total": 256, "readers": 128, "writers": 128}},
        "locks": {
            "Global": {"acquireCount": {"r": 9_120_441_i64, "w": 3_004_112_i64, "W": 6_i64}},
            "Database": {"acquireCount": {"r": 8_120_441_i64, "w": 3_004_000_i64, "W": 2_i64}},
            "Collection": {"acquireCount": {"r": 8_001_201_i64, "w": 2_990_411_i64, "W": 3_i64}, "acquireWaitCount": {"r": 91_i64, "w": 3_104_i64, "W": 1_i64}, "timeAcquiringMicros": {"r": 12_000_000_i64, "w": 845_000_000_i64, "W": 61_000_000_i64}},
        },
        "mem": {"bits": 64, "resident": 14_900, "virtual": 17_200, "supported": true},
        "metrics": {
            "cursor": {"timedOut": 18_i64, "open": {"noTimeout": 2_i64, "pinned": 31_i64, "total": 66_i64}},
            "document": {"deleted": 41_i64, "inserted": 90_112_i64, "returned": 812_000_i64, "updated": 401_222_i64},
            "operation": {"scanAndOrder": 9_912_i64, "writeConflicts": 18_233_i64},
            "queryExecutor": {"scanned": 912_i64, "scannedObjects": 81_200_441_230_i64, "collectionScans": {"nonTailable": 40_602_i64, "total": 40_614_i64}},
            "ttl": {"deletedDocuments": 0_i64, "passes": 4_320_i64},
        },
        "network": {"bytesIn": 91_204_112_345_i64, "bytesOut": 412_204_112_345_i64, "numRequests": 71_204_112_i64},
        "opLatencies": {"reads": {"latency": 912_000_441_230_i64, "ops": 812_441_i64}, "writes": {"latency": 412_000_441_230_i64, "ops": 401_222_i64}, "commands": {"latency": 12_000_441_230_i64, "ops": 5_401_222_i64}, "transactions": {"latency": 0_i64, "ops": 0_i64}},
        "opcounters": {"insert": 90_112_i64, "query": 812_441_i64, "update": 401_222_i64, "delete": 41_i64, "getmore": 61_002_i64, "command": 5_401_222_i64},
        "opcountersRepl": {"insert": 0_i64, "query": 0_i64, "update": 0_i64, "delete": 0_i64, "getmore": 0_i64, "command": 0_i64},
        "repl": {"hosts": [host(0), host(1), host(2)], "setName": "rs0", "setVersion": 3, "isWritablePrimary": true, "secondary": false, "primary": host(0), "me": host(0), "electionId": mongodb::bson::oid::ObjectId::from_bytes([11; 12]), "lastWrite": {"opTime": at(before(now, 1)), "lastWriteDate": before(now, 1), "majorityOpTime": at(before(now, 400)), "majorityWriteDate": before(now, 400)}},
        "storageEngine": {"name": "wiredTiger", "supportsCommittedReads": true, "persistent": true, "readOnly": false},
        "transactions": {"currentActive": 3_i64, "currentInactive": 9_i64, "currentOpen": 12_i64, "totalAborted": 412_i64, "totalCommitted": 9_021_i64, "totalStarted": 9_445_i64},
        "wiredTiger": {
            "cache": {
                "maximum bytes configured": cache,
                "bytes currently in the cache": cache * 96 / 100,
                "tracked dirty bytes in the cache": cache / 4,
                "bytes read into cache": 912_000_441_230_i64,
                "bytes written from cache": 412_000_441_230_i64,
                "pages read into cache": 31_204_112_i64,
                "pages written from cache": 9_204_112_i64,
                "modified pages evicted": 1_204_112_i64,
                "unmodified pages evicted": 29_204_112_i64,
                "pages evicted by application threads": 812_044_i64,
                "application threads page read from disk to cache time (usecs)": 712_000_441_230_i64,
            },
            "concurrentTransactions": {
                "read": {"out": 128, "available": 0, "totalTickets": 128},
                "write": {"out": 128, "available": 0, "totalTickets": 128},
            },
            "transaction": {"transaction checkpoint most recent time (msecs)": 71_204_i64, "transaction checkpoint currently running": 1_i64},
        },
        "ok": 1.0, "operationTime": stamp(before(now, 1)),
    }
}

fn status(now: DateTime) -> Document {
    let member = |id: i32, state: i32, name: &str, behind: i64| {
        let applied = before(now, behind);
        doc! {"_id": id, "name": host(id), "health": 1.0, "state": state, "stateStr": name, "uptime": 259_200, "optime": at(applied), "optimeDate": applied, "lastAppliedWallTime": applied, "lastDurableWallTime": applied, "syncSourceHost": if id == 0 { String::new() } else { host(0) }, "syncSourceId": if id == 0 { -1 } else { 0 }, "infoMessage": "", "configVersion": 3, "configTerm": 11}
    };
    let mut primary = member(0, 1, "PRIMARY", 1);
    primary.extend(
        doc! {"electionTime": stamp(before(now, 259_100)), "electionDate": before(now, 259_100), "self": true, "lastHeartbeatMessage": ""},
    );
    let seen = |mut other: Document, message: &str| {
        other.extend(doc! {"optimeDurable": other.get("optime").cloned(), "optimeDurableDate": other.get("optimeDate").cloned(), "lastHeartbeat": before(now, 1), "lastHeartbeatRecv": before(now, 1), "pingMs": 2_i64, "lastHeartbeatMessage": message});
        other
    };
    doc! {
        "set": "rs0", "date": now, "myState": 1, "term": 11_i64, "syncSourceHost": "", "syncSourceId": -1, "heartbeatIntervalMillis": 2000_i64,
        "majorityVoteCount": 2, "writeMajorityCount": 2, "votingMembersCount": 3, "writableVotingMembersCount": 3,
        "optimes": {"lastCommittedOpTime": at(before(now, 400)), "lastCommittedWallTime": before(now, 400), "readConcernMajorityOpTime": at(before(now, 400)), "appliedOpTime": at(before(now, 1)), "durableOpTime": at(before(now, 1)), "lastAppliedWallTime": before(now, 1), "lastDurableWallTime": before(now, 1)},
        "members": [primary, seen(member(1, 2, "SECONDARY", 400), ""), seen(member(2, 3, "RECOVERING", 14_400), "")],
        "ok": 1.0,
    }
}

fn current_op(now: DateTime) -> Vec<Document> {
    let scanning = doc! {
        "type": "op", "host": host(0), "desc": "conn54112", "connectionId": 54_112, "client": "10.12.3.44:51022", "appName": "orders-api", "active": true, "currentOpTime": before(now, 0).try_to_rfc3339_string().unwrap_or_default(),
        "effectiveUsers": [{"user": "orders", "db": "admin"}], "opid": 771_204, "secs_running": 412_i64, "microsecs_running": 412_003_112_i64, "op": "query", "ns": "shop.orders", "redacted": false,
        "command": {"find": "orders", "filter": {"customer.email": "somebody@example.com"}, "sort": {"at": -1}, "$db": "shop"}, "planSummary": "COLLSCAN",
        "numYields": 15_625, "locks": {"Global": "r"}, "waitingForLock": false, "waitingForFlowControl": false, "lockStats": {"Global": {"acquireCount": {"r": 15_626_i64}}},
    };
    let waiting = doc! {
        "type": "op", "host": host(0), "desc": "conn54180", "connectionId": 54_180, "client": "10.12.3.51:40110", "appName": "nightly-cleanup", "active": true, "currentOpTime": before(now, 0).try_to_rfc3339_string().unwrap_or_default(),
        "effectiveUsers": [{"user": "cleanup", "db": "admin"}], "opid": 771_390, "secs_running": 61_i64, "microsecs_running": 61_000_991_i64, "op": "command", "ns": "shop.orders", "redacted": false,
        "command": {"dropIndexes": "orders", "index": "legacy_1", "$db": "shop"}, "numYields": 0,
        "locks": {"Global": "w", "Database": "w", "Collection": "W"}, "waitingForLock": true, "waitingForFlowControl": false, "lockStats": {"Collection": {"acquireCount": {"W": 1_i64}, "acquireWaitCount": {"W": 1_i64}, "timeAcquiringMicros": {"W": 60_991_002_i64}}},
    };
    let idle = doc! {"type": "op", "host": host(0), "desc": "ReplCoord-11", "active": true, "opid": 12, "secs_running": 2_i64, "microsecs_running": 2_000_112_i64, "op": "none", "ns": "local.oplog.rs", "numYields": 0, "waitingForLock": false};
    vec![scanning, waiting, idle]
}

fn profile(now: DateTime) -> Vec<Document> {
    let entry = |seconds: i64, millis: i32| {
        doc! {"op": "query", "ns": "shop.orders", "command": {"find": "orders", "filter": {"customer.email": "somebody@example.com"}, "sort": {"at": -1}, "$db": "shop"}, "keysExamined": 0, "docsExamined": 2_000_000, "hasSortStage": true, "cursorExhausted": true, "numYield": 15_625, "nreturned": 3, "queryHash": "8B4A1F3C", "planCacheKey": "1C7D22A0", "queryFramework": "classic", "responseLength": 812, "protocol": "op_msg", "cpuNanos": 7_912_000_441_i64, "millis": millis, "planSummary": "COLLSCAN", "execStats": {"stage": "SORT", "nReturned": 3, "inputStage": {"stage": "COLLSCAN", "nReturned": 3, "docsExamined": 2_000_000}}, "ts": before(now, seconds), "client": "10.12.3.44", "appName": "orders-api", "allUsers": [{"user": "orders", "db": "admin"}], "user": "orders@admin"}
    };
    let quick = doc! {"op": "query", "ns": "shop.customers", "command": {"find": "customers", "filter": {"_id": 7}, "$db": "shop"}, "keysExamined": 1, "docsExamined": 1, "nreturned": 1, "millis": 104, "planSummary": "IDHACK", "ts": before(now, 30), "client": "10.12.3.45", "appName": "orders-api", "user": "orders@admin"};
    vec![entry(240, 9_870), entry(120, 11_204), quick, entry(15, 12_660)]
}

fn coll_stats(space: &str, count: i64, size: i64) -> Document {
    doc! {"ns": space, "size": size, "count": count, "avgObjSize": size / count, "numOrphanDocs": 0, "storageSize": size / 2, "freeStorageSize": size / 10, "capped": false, "nindexes": 2, "indexBuilds": [], "totalIndexSize": 96_i64 << 20, "indexSizes": {"_id_": 64_i64 << 20, "legacy_1": 32_i64 << 20}, "totalSize": size / 2 + (96_i64 << 20), "scaleFactor": 1}
}

fn top() -> Document {
    let use_of = |time: i64, count: i64| doc! {"time": time, "count": count};
    let of = |time: i64, count: i64| doc! {"total": use_of(time, count), "readLock": use_of(time * 9 / 10, count * 9 / 10), "writeLock": use_of(time / 10, count / 10), "queries": use_of(time * 9 / 10, count * 9 / 10), "getmore": use_of(0, 0), "insert": use_of(time / 20, count / 20), "update": use_of(time / 20, count / 20), "remove": use_of(0, 0), "commands": use_of(0, 0)};
    doc! {"totals": {"note": "all times in microseconds", "shop.orders": of(912_000_441_230, 812_441), "shop.customers": of(1_200_441, 90_112), "local.oplog.rs": of(61_200_441, 61_002)}}
}

/// One line as servers since 4.4 write it.
fn line(time: DateTime, severity: &str, component: &str, id: i32, context: &str, message: &str, more: serde_json::Value) -> String {
    let time = time.try_to_rfc3339_string().unwrap_or_default().replace('Z', "+00:00");
    serde_json::json!({"t": {"$date": time}, "s": severity, "c": component, "id": id, "ctx": context, "msg": message, "attr": more})
        .to_string()
}

fn log(now: DateTime) -> Vec<String> {
    let slow = |seconds: i64, millis: i64| {
        line(
            before(now, seconds),
            "I",
            "COMMAND",
            51_803,
            "conn54112",
            "Slow query",
            serde_json::json!({"type": "command", "ns": "shop.orders", "appName": "orders-api", "command": {"find": "orders", "filter": {"customer.email": "somebody@example.com"}, "$db": "shop"}, "planSummary": "COLLSCAN", "keysExamined": 0, "docsExamined": 2_000_000, "nreturned": 3, "numYields": 15_625, "queryHash": "8B4A1F3C", "reslen": 812, "remote": "10.12.3.44:51022", "protocol": "op_msg", "durationMillis": millis}),
        )
    };
    vec![
        line(
            before(now, 500),
            "I",
            "NETWORK",
            22_943,
            "listener",
            "Connection accepted",
            serde_json::json!({"remote": "10.12.3.44:51022", "connectionId": 54_112, "connectionCount": 980}),
        ),
        slow(240, 9_870),
        line(
            before(now, 200),
            "I",
            "NETWORK",
            22_942,
            "listener",
            "Connection refused because there are too many open connections",
            serde_json::json!({"remote": "10.12.3.60:33110", "connectionCount": 1001}),
        ),
        slow(120, 11_204),
        line(
            before(now, 90),
            "I",
            "REPL",
            21_215,
            "ReplCoord-11",
            "Member is in new state",
            serde_json::json!({"hostAndPort": host(2), "newState": "RECOVERING"}),
        ),
        slow(15, 12_660),
        line(
            before(now, 5),
            "W",
            "COMMAND",
            20_525,
            "conn54190",
            "Failed to gather storage statistics for slow operation",
            serde_json::json!({"opId": 771_401, "error": "lock acquire timeout"}),
        ),
    ]
}
