//! What database servers and their clients say.

use super::super::{Category, Sign, Thing, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::ConnectionLimit,
        0.92,
        "The database has reached its connection limit (too many connections, max_connections) {thing}",
        "too many clients already|too many connections|remaining connection slots are reserved|max_connections|\
         too many open connections|max client connections|no more connections allowed|maxclients reached|\
         max number of clients reached",
    )
    .with("too many|reserved|reached|exceed|limit|no more|max client|maxclients|increase")
    .without("max_connections=|changed to|not enough for")
    .about(Thing::Target)
    .fix(
        "Find who holds the connections (`pg_stat_activity`, `SHOW PROCESSLIST`), end idle ones, lower the pools of the clients; raise max_connections only after that",
        "Alert at 80 % of max_connections; put a pooler in front",
    ),
    sign(
        Category::DatabaseUnavailable,
        0.9,
        "The database stops taking writes: its transaction ids are nearly used up (wraparound)",
        "to avoid wraparound|must be vacuumed within|transaction id wraparound",
    )
    .without("autovacuum: |to prevent wraparound")
    .fix("Vacuum the database that the line names (`VACUUM FREEZE`), after ending what holds old transactions", "Alert on the age of datfrozenxid"),
    sign(
        Category::DatabaseUnavailable,
        0.88,
        "The program cannot connect to its database: no connection to {thing} is available",
        "all host(s) tried|nohostavailable|no hosts available for|no available connection and the queue",
    )
    .about(Thing::Target)
    .fix(
        "Check that the database at {thing} runs and can be reached from the client (`nc -vz`), and that host and port in the configuration are right",
        "Alert on the database itself; let clients retry with a limit",
    ),
    sign(
        Category::ConnectionPoolExhausted,
        0.88,
        "The connection pool is exhausted: the program waits for a free connection in vain {thing}",
        "connection pool|hikaripool|queuepool limit|pool exhausted|pool is exhausted|poolexhausted|\
         timeout waiting for idle object|unable to acquire connection|could not acquire connection|\
         fetching a new connection from the connection pool|timed out acquiring|pool acquire|acquire timeout|\
         knex: timeout acquiring|connection is not available, request timed out|error acquiring connection|\
         no free connections|jedisexhaustedpool|waiting for a free connection|pool timeout|pool exhaustion",
    )
    .with("exhaust|timed out|timeout|time out|limit|full|unable|could not|no free|not available|reached|saturat|waiting|\
           failed|error")
    .without("timeout=|limit=|worker pool|thread pool")
    .about(Thing::Target)
    .fix(
        "Look at what holds the connections (slow queries, leaks, a smaller pool since the last deploy); size pool and concurrency together",
        "Alert on pool wait time and on pool use above 80 %",
    ),
    sign(
        Category::LockContention,
        0.83,
        "The database reports lock contention or a deadlock",
        "deadlock detected|deadlock found|lock wait timeout|deadlock victim|could not obtain lock|\
         could not serialize access|lock timeout|deadlockloser|database is locked|lockacquisitionexception|\
         canceling statement due to lock timeout",
    )
    .fix(
        "Find the statements that lock each other (`pg_locks`, `SHOW ENGINE INNODB STATUS`) and take locks in one order; keep transactions short",
        "Alert on lock waits; retry on deadlock with a limit",
    ),
    sign(
        Category::DataCorruption,
        0.9,
        "Stored data is damaged {thing}",
        "page corruption|corrupt page|corrupted page|is corrupt|inconsistent data in datafile|invalid page in block|\
         checksum mismatch|checksum verification failed|page verification failed|corruptindexexception|\
         corrupted record|translogcorrupted|data corruption|corrupted block|bad magic number",
    )
    .without("package|tarball|integrity|npm|download|layer|sha256|go.sum|verifying")
    .about(Thing::Path)
    .fix(
        "Copy the files before any repair; restore the last good backup or rebuild the node from a healthy replica, and check the disk under it",
        "Restore-test the backups; alert on I/O errors of the host's kernel",
    ),
    sign(
        Category::DataError,
        0.72,
        "The database refuses duplicate data: unique constraint violated {thing}",
        "duplicate key|unique constraint|duplicate entry|e11000|uniqueviolation|unique_violation|unique key constraint|\
         violates unique",
    )
    .about(Thing::Quoted)
    .fix(
        "Find the code that inserts the same key twice (retries, two writers, a sequence behind its table) and make it idempotent",
        "Use upserts for retried writes",
    ),
    sign(
        Category::DataError,
        0.68,
        "Data does not have the form that the program or the database demands {thing}",
        "foreign key constraint|violates not-null|violates check constraint|null value in column|cannot be null|\
         data too long for column|value too long for type|numeric value out of range|invalid input syntax for|\
         invalid byte sequence|could not deserialize|failed to deserialize|deserialization error|\
         deserializationexception|unmarshal|malformed|invalid json|unexpected token < in json|jsondecodeerror|\
         jsonparseexception|jsonreaderexception|could not parse the json|failed to parse json|mismatchedinputexception|unexpected end of json|schema validation fail|invalid character",
    )
    .about(Thing::Quoted)
    .fix(
        "Compare the rejected record with the schema, and the versions of writer and reader",
        "Validate at the edge; keep schemas compatible both ways",
    ),
    sign(
        Category::CodeError,
        0.8,
        "A database query has a syntax error {thing}",
        "syntax error at or near|error in your sql syntax|sqlsyntaxerror|ora-009|sql compilation error|\
         incorrect syntax near|near \"|psycopg2.errors.syntaxerror",
    )
    .with("syntax|sql|ora-")
    .about(Thing::Quoted)
    .fix(
        "Correct the statement in the code that sends it; the failing query is in the log line",
        "Run every query in a test against a real database",
    ),
    sign(
        Category::Misconfiguration,
        0.85,
        "The database schema lacks what the program needs (a missing table, column or migration) {thing}",
        "no such table|unknown column|undefinedtable|undefinedcolumn|table doesn't exist|unknown database|\
         invalid object name|migration fail|migrations failed|flywayexception|liquibaseexception|pending migration|migrations are pending|pendingmigration|unapplied migration|\
         schema version|relation \"|column \"|unknown table|base table or view not found|column not found",
    )
    .with("not found|does not exist|doesn't exist|no such|unknown|undefined|invalid|fail|pending|mismatch")
    .about(Thing::Quoted)
    .fix(
        "Run the pending migrations, or roll back to the version that fits the schema",
        "Run migrations before the rollout, and fail the rollout when they fail",
    ),
    sign(
        Category::Authentication,
        0.86,
        "Authentication is refused for {thing}",
        "password authentication failed|no pg_hba.conf entry|access_refused|login was refused|access denied for user|authentication failed|login failed for user|\
         invalid username or password|wrongpass|noauth authentication required|noauth|sasl authentication failed|scram|\
         invalid authorization specification|role \"|ora-01017|auth failed",
    )
    .with("no pg_hba|fail|denied|invalid|wrongpass|noauth|does not exist|required|refus")
    .without("failed password|authentication failure; logname")
    .about(Thing::Account)
    .fix(
        "Compare the credentials that the program has with those of the server (secret, user, database); rotate both together",
        "Rotate secrets with the clients that use them",
    ),
    sign(
        Category::DatabaseUnavailable,
        0.86,
        "The database cannot be reached {thing}",
        "could not connect to server|connection to server at|can't connect to mysql|can't connect to local mysql|\
         mongonetworkerror|mongoserverselectionerror|serverselectiontimeout|no reachable servers|\
         database system is starting up|database system is shutting down|database system is in recovery|\
         database is unavailable|database unavailable|cannot connect to database|could not connect to database|\
         could not connect to the database|failed to connect to database|failed to connect to the database|\
         database connection failed|unable to connect to database|unable to connect to the database|\
         error connecting to database|communications link failure|the database is not available|\
         could not open jdbc connection|failed to obtain jdbc|database connection error|connect to db|\
         connection to database|db connection fail|sqlstate[hy000] [2002]|\
         terminating connection due to administrator command|no primary|notprimary|not master",
    )
    .with("fail|could not|can't|cannot|unable|error|refused|timed out|timeout|unavailable|not available|down|shutting|\
           starting|recovery|no reachable|link failure|exception|lost|no primary|notprimary|not master|terminating")
    .about(Thing::Target)
    .fix(
        "Check that the database at {thing} runs and listens, and the path to it (`nc -vz`, security group, NetworkPolicy)",
        "Alert on the database itself; let clients retry with a limit",
    ),
    sign(
        Category::SlowQuery,
        0.76,
        "Database queries are slow {thing}",
        "statement timeout|query timeout|canceling statement|slow query|query_timeout|maxtimemsexpired|\
         max_execution_time|query execution was interrupted|long running query|slowquery|slow sql|lock: wait",
    )
    .about(Thing::Operation)
    .fix(
        "Take the plan of the slow statement (EXPLAIN), add the missing index or narrow the query",
        "Log slow queries with their plans; alert on p99 of the database",
    ),
    sign(
        Category::ReplicationLag,
        0.8,
        "A database replica lags behind its primary (replication lag)",
        "replication lag|replica lag|standby is behind|requested wal segment|replication slot|seconds behind master|\
         replica is lagging|replicalag",
    )
    .without("lag: 0|lag 0")
    .fix(
        "Look at what the primary writes (WAL volume, bulk jobs) and at CPU and disk of the replica",
        "Alert on lag above 10 s",
    ),
];
