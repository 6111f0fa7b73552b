use super::{events::*, load::*, metric::metric};

#[test]
fn events_are_sorted_by_what_they_speak_of() {
    for (text, kind) in [
        ("DB instance ran out of storage space.", Kind::StorageOut),
        (
            "The free storage capacity for DB instance x is low at 2% of the provisioned storage [Provisioned Storage: 98.31 GB, Free Storage: 1.97 GB].",
            Kind::StorageLow,
        ),
        ("Finished applying autoscaling-initiated modification to allocated storage.", Kind::StorageGrown),
        ("Multi-AZ instance failover started.", Kind::FailoverStart),
        ("Multi-AZ instance failover completed", Kind::FailoverEnd),
        ("The primary host of the RDS Multi-AZ instance is unhealthy.", Kind::HostUnhealthy),
        ("Finished DB Instance backup", Kind::Backup),
        ("FATAL: sorry, too many clients already", Kind::ConnectionsRefused),
        ("LOG: checkpoints are occurring too frequently (9 seconds apart)", Kind::Checkpoints),
        ("Replication for the Read Replica has stopped", Kind::ReplicationStopped),
        ("Read replica x replication lag has exceeded 900 seconds.", Kind::Lag),
    ] {
        assert_eq!(kind_of(text), Some(kind), "{text}");
    }
}

#[test]
fn limits_are_read_from_prose() {
    assert_eq!(connection_limit("Current connections: 469 of 500."), (Some(469.0), Some(500.0)));
    assert_eq!(connection_limit("max_connections is set to 1,000"), (None, Some(1000.0)));
    assert_eq!(left("storage is critically low. Free storage space: 0.8 GB remaining."), Some(0.8e9));
    assert_eq!(left("low storage space: 99.0 GB remaining of 200 GB"), Some(99e9));
    assert_eq!(left("Multi-AZ failover completed"), None);
    assert_eq!(provisioned("low storage space: 99.0 GB remaining of 200 GB"), Some(200e9));
}

#[test]
fn waits_point_to_their_mechanism() {
    for (name, wait) in [
        ("CPU:user", Wait::Cpu),
        ("IO:DataFileRead", Wait::Read),
        ("WAL:Lock", Wait::Log),
        ("IO:WALWrite", Wait::Log),
        ("Lock:relation", Wait::Lock),
        ("LWLock:BufferMapping", Wait::Latch),
        ("Client:ClientRead", Wait::Client),
        ("io/file/innodb/innodb_log_file", Wait::Log),
        ("wait/synch/cond/innodb/row_lock_wait_cond", Wait::Lock),
    ] {
        assert_eq!(wait_of(name), wait, "{name}");
    }
}

#[test]
fn exporters_names_are_one_metric() {
    assert_eq!(metric("CPUUtilization"), metric("aws_rds_cpuutilization_average"));
    assert_eq!(metric("node_cpu_seconds_total"), None);
}

#[test]
fn statements_name_their_tables() {
    assert_eq!(tables("UPDATE event_stream SET a = 1 WHERE id IN (SELECT id FROM event_queue)"), ["event_stream", "event_queue"]);
    assert_eq!(tables("autovacuum: VACUUM FREEZE public.bills"), ["public.bills"]);
    assert_eq!(verb("BEGIN; SELECT 1"), "SELECT");
}
