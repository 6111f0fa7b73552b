use super::*;

fn series(metric: &str, labels: &[(&str, &str)], values: &[f64]) -> Series {
    let start = Timestamp::from_second(1_772_445_600).unwrap();
    let at = |n: usize| start + jiff::SignedDuration::from_secs(60 * i64::try_from(n).unwrap());
    Series {
        metric: metric.to_owned(),
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        points: values.iter().enumerate().map(|(n, value)| (at(n), *value)).collect(),
        ..Series::default()
    }
}

fn told(metrics: Vec<Series>) -> Vec<String> {
    findings(&Observations { metrics, ..Observations::default() }, None).into_iter().map(|finding| finding.statement).collect()
}

#[test]
fn levels_that_are_crossed_now_are_told() {
    let node = [("instance", "node-1"), ("mountpoint", "/var")];
    let full = told(vec![
        series("node_filesystem_avail_bytes", &node, &[9.0, 3.0, 2.0]),
        series("node_filesystem_size_bytes", &node, &[100.0; 3]),
    ]);
    assert_eq!(full, ["node-1 /var: free space of the filesystem is 3.0 %, below the limit of 5 %"]);
    assert_eq!(told(vec![series("etcd_disk_wal_fsync_duration_seconds:p99", &[("instance", "e")], &[0.01, 1.4, 1.5])]).len(), 1);
    assert_eq!(told(vec![series("node_timex_offset_seconds", &[], &[-0.4, -0.4, -0.4])]).len(), 1);
    let pod = [("namespace", "shop"), ("pod", "api-1")];
    let limit = [("namespace", "shop"), ("pod", "api-1"), ("resource", "memory")];
    assert_eq!(
        told(vec![
            series("container_memory_working_set_bytes", &pod, &[9.5, 9.6]),
            series("kube_pod_container_resource_limits", &limit, &[10.0; 2])
        ])
        .len(),
        1
    );
}

#[test]
fn what_is_well_what_is_over_and_what_is_no_level_is_not() {
    let node = [("instance", "node-1"), ("mountpoint", "/var")];
    let other = [("instance", "node-2"), ("mountpoint", "/var")];
    for metrics in [
        vec![
            series("node_filesystem_avail_bytes", &node, &[3.0, 2.0, 40.0, 40.0]),
            series("node_filesystem_size_bytes", &node, &[100.0; 4]),
        ],
        vec![series("node_filesystem_avail_bytes", &node, &[3.0, 2.0]), series("node_filesystem_size_bytes", &other, &[100.0; 2])],
        vec![series("etcd_disk_wal_fsync_duration_seconds_bucket", &[], &[900.0; 5])],
        vec![series("etcd_disk_wal_fsync_duration_seconds", &[("quantile", "0.5")], &[9.0; 5])],
        vec![series("container_cpu_cfs_throttled_ratio", &[], &[0.1; 5])],
        vec![series("node_timex_offset_seconds", &[], &[])],
    ] {
        assert_eq!(told(metrics), Vec::<String>::new());
    }
}
