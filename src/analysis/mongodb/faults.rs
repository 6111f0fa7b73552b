//! What a server says about itself when it cannot work: one table of faults, each with its words and its remedy.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use super::{
    super::{Finding, Role},
    entry::{Entry, Node, clip},
};
use crate::model::{Category, observation::Level};

struct Fault {
    category: Category,
    /// Any of these message ids settles it.
    ids: &'static [u64],
    /// Any of these, lower case, in a line that is at least as loud as `level`.
    words: &'static [&'static str],
    level: Level,
    /// `{node}` and `{words}` (the server's own) are filled in.
    statement: &'static str,
    strength: f64,
    falsifier: &'static str,
    remediation: &'static [&'static str],
    prevention: &'static [&'static str],
}

const FAULTS: &[Fault] = &[
    Fault {
        category: Category::DataCorruption,
        ids: &[],
        words: &[
            "checksum error",
            "checksum mismatch",
            "block header checksum",
            "wt_try_salvage",
            "wt_panic",
            "corrupt",
            "library panic",
            "invalid bson",
        ],
        level: Level::Error,
        statement: "MongoDB {node} has damaged data: the storage engine reports a corrupt or unreadable block ({words})",
        strength: 0.97,
        falsifier: "the same file passes `mongod --repair` or validate() on a copy without an error",
        remediation: &[
            "Do not restart it in a loop; copy the data files of {node} before any repair",
            "Resync the member from a healthy one: empty its dbPath and let initial sync rebuild it, or restore the last good backup",
            "Check the disk under it (dmesg, SMART, the cloud volume's events)",
        ],
        prevention: &[
            "Run replica sets of three members with journaling on, and restore-test the backups",
            "Alert on storage errors of the host's kernel",
        ],
    },
    Fault {
        category: Category::DiskFull,
        ids: &[],
        words: &["no space left on device", "wiredtiger error (28)", "outofdiskspace", "disk quota exceeded", "insufficient free space"],
        level: Level::Info,
        statement: "MongoDB {node} cannot write because its disk is full: no space left on device ({words})",
        strength: 0.97,
        falsifier: "`df -h` and `df -i` on the dbPath of {node} show free blocks and inodes",
        remediation: &[
            "Free or grow the volume of {node} (`df -h` on its dbPath; journal and diagnostic.data count too), then start it again",
        ],
        prevention: &["Alert at 85 % of the data volume, and watch the growth of the largest collections and of the oplog"],
    },
    Fault {
        category: Category::VersionMismatch,
        ids: &[20573],
        words: &[
            "wrong mongod version",
            "upgrade problem",
            "invalid featurecompatibilityversion",
            "invalid feature compatibility version",
            "this version of mongodb is too recent",
            "unsupported wiredtiger file version",
            "requires newer version",
            "incompatible wire version",
            "server version is incompatible",
        ],
        level: Level::Warn,
        statement: "MongoDB {node} does not start: version mismatch between this binary and the data's featureCompatibilityVersion (FCV) ({words})",
        strength: 0.96,
        falsifier: "the previous binary version does not start on this data either",
        remediation: &[
            "Start {node} with the binary version that the data expects (see the FCV in the message)",
            "Then upgrade one major version at a time and run `db.adminCommand({setFeatureCompatibilityVersion: \"<version>\"})` after each",
        ],
        prevention: &[
            "Check `db.adminCommand({getParameter: 1, featureCompatibilityVersion: 1})` before every upgrade or downgrade",
            "Pin the image tag of mongod",
        ],
    },
    Fault {
        category: Category::FileDescriptors,
        ids: &[],
        words: &["too many open files", "emfile", "wiredtiger error (24)"],
        level: Level::Info,
        statement: "MongoDB {node} has run out of file descriptors: too many open files ({words})",
        strength: 0.96,
        falsifier: "`cat /proc/$(pidof mongod)/limits` shows a limit far above the number of open files",
        remediation: &[
            "Raise the open files limit (ulimit -n, LimitNOFILE, nofile) of {node} to 64000 or more and restart it",
            "Count collections and indexes: each needs a file; close idle connections",
        ],
        prevention: &["Set LimitNOFILE=64000 in the unit, and alert on open files against the limit"],
    },
    Fault {
        category: Category::OomKilled,
        ids: &[],
        words: &["out of memory", "std::bad_alloc", "cannot allocate memory", "exceededmemorylimit: fatal"],
        level: Level::Error,
        statement: "MongoDB {node} ran out of memory ({words})",
        strength: 0.93,
        falsifier: "the host or container shows free memory at that time",
        remediation: &[
            "Lower `storage.wiredTiger.engineConfig.cacheSizeGB` below half of the memory limit of {node}, or give it more memory",
            "Look for in-memory sorts and large aggregations in the slow query log",
        ],
        prevention: &["Leave 1 MB per connection plus the cache below the container's limit"],
    },
    Fault {
        category: Category::Misconfiguration,
        ids: &[],
        words: &["address already in use"],
        level: Level::Warn,
        statement: "MongoDB {node} cannot listen: its address is already in use ({words})",
        strength: 0.93,
        falsifier: "`ss -ltnp` shows nothing on that port",
        remediation: &["Find the process that holds the port (`ss -ltnp`) and stop it, or change `net.port`"],
        prevention: &["One unit per port; let the supervisor stop the old process before it starts a new one"],
    },
    Fault {
        category: Category::Misconfiguration,
        ids: &[],
        words: &["dbpathinuse", "unable to lock the lock file", "another mongod instance is already running"],
        level: Level::Warn,
        statement: "MongoDB {node} does not start because another mongod holds the lock on its data directory ({words})",
        strength: 0.93,
        falsifier: "no other mongod process has that dbPath open",
        remediation: &["Find the other mongod on the same dbPath and stop it; never delete mongod.lock while it runs"],
        prevention: &["Use ReadWriteOncePod volumes, so that two pods never share a data directory"],
    },
    Fault {
        category: Category::ConfigMissing,
        ids: &[],
        words: &[
            "nonexistentpath",
            "data directory not found",
            "unable to read security file",
            "error opening config file",
            "no such file or directory",
        ],
        level: Level::Error,
        statement: "MongoDB {node} does not start because a file or directory that it needs is missing ({words})",
        strength: 0.9,
        falsifier: "the path exists and the mongod user can read it",
        remediation: &["Create or mount the path that the message names, owned by the mongod user, then start {node}"],
        prevention: &["Check mounts and paths in the start script before mongod runs"],
    },
    Fault {
        category: Category::PermissionDenied,
        ids: &[],
        words: &["permission denied", "read-only directory", "permissions on", "operation not permitted", "read-only file system"],
        level: Level::Error,
        statement: "MongoDB {node} may not access a file that it needs ({words})",
        strength: 0.92,
        falsifier: "the mongod user can read and write the path (`sudo -u mongodb test -w PATH`)",
        remediation: &["`chown -R mongodb:mongodb` the dbPath of {node}; a key file needs mode 0400 or 0600"],
        prevention: &["Set fsGroup / runAsUser to the owner of the volume"],
    },
    Fault {
        category: Category::TlsCertificate,
        ids: &[],
        words: &[
            "certificate has expired",
            "certificate is expired",
            "expired or not yet valid",
            "certificate validation failed",
            "certificate verify failed",
            "certificate is now invalid",
        ],
        level: Level::Warn,
        statement: "MongoDB {node} refuses or fails TLS because of a certificate ({words})",
        strength: 0.93,
        falsifier: "`openssl s_client -connect {node}` verifies the chain and shows a date in the future",
        remediation: &[
            "Look at the certificate (`openssl s_client -connect {node} | openssl x509 -noout -dates -subject`) and renew it; then `db.adminCommand({rotateCertificates: 1})`",
        ],
        prevention: &["Alert 21 days before a certificate ends"],
    },
    Fault {
        category: Category::ReplicationStale,
        ids: &[],
        words: &["too stale to catch up", "rs102", "too stale to use", "oplogstartmissing", "our last optime is older than"],
        level: Level::Info,
        statement: "MongoDB {node} is too stale to catch up: the oplog of its sync source no longer reaches back to its last operation ({words})",
        strength: 0.95,
        falsifier: "the first entry of a sync source's oplog is older than the last optime of {node}",
        remediation: &["Resync {node}: stop it, empty its dbPath and start it for an initial sync (or restore a newer copy)"],
        prevention: &["Grow the oplog (`replSetResizeOplog`) to cover 48 h of writes, and alert when lag comes near the oplog window"],
    },
    Fault {
        category: Category::ReplicationStale,
        ids: &[],
        words: &["initial sync attempt failed", "initial sync failed"],
        level: Level::Warn,
        statement: "The initial sync of MongoDB {node} fails ({words})",
        strength: 0.85,
        falsifier: "`rs.status()` shows {node} as SECONDARY",
        remediation: &["Read the reason in the message; check the sync source, network and disk, then restart the initial sync of {node}"],
        prevention: &["Seed large members from a snapshot instead of an initial sync"],
    },
    Fault {
        category: Category::DataError,
        ids: &[21612],
        words: &["rollback using", "transition to rollback", "rollback common point", "starting rollback"],
        level: Level::Info,
        statement: "MongoDB {node} rolled back writes that a majority never had ({words})",
        strength: 0.8,
        falsifier: "the rollback directory of {node} is empty",
        remediation: &["Look at the BSON files in the rollback directory of {node} (`bsondump`) and re-apply what must not be lost"],
        prevention: &["Write with `w: \"majority\"`", "Find out why the old primary was cut off"],
    },
    Fault {
        category: Category::Misconfiguration,
        ids: &[],
        words: &[
            "replica set config in use is invalid",
            "invalidreplicasetconfig",
            "newreplicasetconfigurationincompatible",
            "no host described in new configuration",
            "locally stored replica set configuration does not have a valid entry",
        ],
        level: Level::Info,
        statement: "The replica set configuration does not fit MongoDB {node} ({words})",
        strength: 0.85,
        falsifier: "`rs.conf()` on the primary lists {node} under the name that it knows itself by",
        remediation: &["Compare `rs.conf()` with the host names that {node} resolves for itself, then `rs.reconfig()`"],
        prevention: &["Use DNS names, not addresses, as member hosts"],
    },
    Fault {
        category: Category::LockContention,
        ids: &[20707, 51710],
        words: &["longer than 'transactionlifetimelimitseconds'", "unable to acquire lock", "locktimeout", "unable to acquire ticket"],
        level: Level::Info,
        statement: "Operations on MongoDB {node} wait too long for locks or tickets ({words})",
        strength: 0.7,
        falsifier: "`db.currentOp({waitingForLock: true})` is empty at the time of the complaints",
        remediation: &["Find the holder with `db.currentOp({active: true, secs_running: {$gt: 10}})` and `killOp` it when it is safe"],
        prevention: &["Keep transactions short; build indexes in a quiet hour"],
    },
    Fault {
        category: Category::ReplicationLag,
        ids: &[22225],
        words: &["flow control is engaged and the sustainer point is not moving"],
        level: Level::Info,
        statement: "Flow control throttles writes on MongoDB {node} because its secondaries lag ({words})",
        strength: 0.75,
        falsifier: "`rs.printSecondaryReplicationInfo()` shows lag below 10 s",
        remediation: &["Look at the lagging secondaries (disk, cache, network); take a hopeless one out of the majority"],
        prevention: &["Alert on replication lag above 10 s"],
    },
    // Last: a crash whose reason no line above names.
    Fault {
        category: Category::CodeError,
        ids: &[23079, 23081, 23089, 23091],
        words: &["fatal assertion", "invariant failure", "got signal: 11", "got signal: 6", "segmentation fault", "aborting after fassert"],
        level: Level::Info,
        statement: "MongoDB {node} crashed on a failed assertion or signal ({words})",
        strength: 0.75,
        falsifier: "the process kept running after that line",
        remediation: &["Search the assertion's number and text for a known bug of this version; restart {node} and keep the core file"],
        prevention: &["Run the latest patch release"],
    },
];

/// Every fault that the log of `node` shows, with its lines.
pub fn check(node: &Node<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut settled = false;
    // one pass over all lines for all words; the faults look only at what is left
    let suspects: Vec<&Entry<'_>> = node.entries.iter().filter(|entry| is_suspect(entry)).collect();
    for fault in FAULTS {
        let lines: Vec<Entry<'_>> = suspects.iter().copied().filter(|entry| fault.matches(entry)).copied().collect();
        let Some(first) = lines.first() else { continue };
        // an assertion is only how a fault that was named already ends
        if fault.category == Category::CodeError && settled {
            continue;
        }
        settled |= fault.strength > 0.9;
        found.push(fault.finding(node, &lines, first));
    }
    found
}

/// Any fault's id, or any fault's word.
fn is_suspect(entry: &Entry<'_>) -> bool {
    static WORDS: OnceLock<Option<Regex>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let all: Vec<String> = FAULTS.iter().flat_map(|fault| fault.words).map(|word| regex::escape(word)).collect();
        RegexBuilder::new(&all.join("|")).case_insensitive(true).unicode(false).build().ok()
    });
    FAULTS.iter().any(|fault| fault.ids.contains(&entry.id)) || words.as_ref().is_none_or(|words| words.is_match(&entry.line.text))
}

impl Fault {
    fn matches(&self, entry: &Entry<'_>) -> bool {
        if self.ids.contains(&entry.id) {
            return true;
        }
        if entry.level() < self.level || entry.msg == "Slow query" {
            return false;
        }
        // what a client's command or a setting mentions is no fault of the server
        if entry.level() == Level::Info
            && (entry.msg.starts_with("client metadata") || entry.msg == "Options set by command line" || entry.says("startupwarnings"))
        {
            return false;
        }
        self.words.iter().any(|word| entry.says(word))
    }

    fn finding(&self, node: &Node<'_>, lines: &[Entry<'_>], first: &Entry<'_>) -> Finding {
        let words = essence(first, self.words);
        let fill = |text: &&str| text.replace("{node}", &node.name).replace("{words}", &words);
        let count = lines.len();
        let summary = format!("{words} ({count} line{} in the log of {})", if count == 1 { "" } else { "s" }, node.name);
        let decisive = self.strength > 0.9;
        Finding {
            category: self.category,
            role: Role::Cause,
            entity: node.entity(),
            statement: fill(&self.statement),
            seen: vec![node.seen(lines, summary, decisive)],
            decisive,
            strength: self.strength,
            since: first.time(),
            falsifier: fill(&self.falsifier),
            remediation: self.remediation.iter().map(fill).collect(),
            prevention: self.prevention.iter().map(fill).collect(),
        }
    }
}

/// The part of a line around the words that matter, without the server's own prefixes.
fn essence(entry: &Entry<'_>, words: &[&str]) -> String {
    let inner =
        [&["message"][..], &["error"], &["error", "errmsg"], &["reason"], &["err"]].iter().find_map(|path| entry.text(path)).unwrap_or("");
    let text = if inner.is_empty() { entry.line.text.clone() } else { format!("{}: {inner}", entry.msg) };
    let lower = text.to_ascii_lowercase();
    let at = words.iter().find_map(|word| lower.find(word)).unwrap_or(0);
    // keep the file or place named just before
    let start = text.floor_char_boundary(at.saturating_sub(70));
    let start = if start == 0 { 0 } else { start + text.get(start..).and_then(|rest| rest.find(' ')).map_or(0, |blank| blank + 1) };
    clip(text.get(start..).unwrap_or(&text).trim(), 180)
}
