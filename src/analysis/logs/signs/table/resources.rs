//! Memory, disk, descriptors, the kernel.

use super::super::{Category, Sign, Thing, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::OomKilled,
        0.93,
        "The kernel killed a process because memory ran out (out of memory, OOM killed)",
        "out of memory: killed process|oom-kill|oom killer|memory cgroup out of memory|oomkilled|\
         out of memory: kill process",
    )
    .decisive()
    .fix(
        "Raise the memory limit or find what grew; compare the working set with the limit before the kill",
        "Alert at 90 % of the memory limit",
    ),
    sign(
        Category::OomKilled,
        0.9,
        "The program ran out of memory",
        "outofmemoryerror|java heap space|gc overhead limit exceeded|javascript heap out of memory|\
         cannot allocate memory|memoryerror|enomem|std::bad_alloc|runtime: out of memory|out of memory|\
         allocation failed - |memory allocation of|unable to create new native thread|insufficient memory",
    )
    .without("out of memory: false|redis|command not allowed")
    .fix(
        "Give it a larger heap and memory limit, or find the leak (heap dump, profile) before it restarts",
        "Alert at 90 % of the memory limit; cap caches and batch sizes",
    ),
    sign(
        Category::DiskFull,
        0.93,
        "The disk is full: no space left on device {thing}",
        "no space left on device|enospc|disk is full|disk full|out of disk space|not enough disk space|\
         insufficient disk space|disk quota exceeded|edquot|not enough free space|no disk space|no free disk space|\
         storage full|storage-full|storage is full|ran out of storage|out of storage space|free storage capacity",
    )
    .about(Thing::Path)
    .decisive()
    .fix(
        "Find what fills it (`df -h`, `df -i`, `du -xh`), free or grow the volume, then restart what stopped",
        "Alert at 85 % of the volume, and rotate logs",
    ),
    sign(
        Category::DiskFull,
        0.85,
        "The file system is read-only {thing}",
        "read-only file system|erofs|readonly filesystem",
    )
    .about(Thing::Path)
    .fix(
        "If it is meant (readOnlyRootFilesystem), mount an emptyDir or volume there; otherwise look for disk errors in dmesg that made the kernel remount it",
        "Declare writable paths as volumes",
    ),
    sign(
        Category::Volume,
        0.85,
        "A disk or volume fails with I/O errors",
        "input/output error|i/o error, dev|ext4-fs error|xfs_force_shutdown|buffer i/o error|blk_update_request|\
         disk failure on|stale file handle|transport endpoint is not connected",
    )
    .about(Thing::Path)
    .fix(
        "Check the device (dmesg, SMART, the cloud volume's events), detach it and restore from a copy",
        "Alert on kernel I/O errors",
    ),
    sign(
        Category::FileDescriptors,
        0.92,
        "The process ran out of file descriptors: too many open files",
        "too many open files|emfile|enfile|no file descriptors available|file descriptor limit",
    )
    .fix(
        "Raise the open files limit (ulimit -n, LimitNOFILE) and look for handles that are never closed (`ls /proc/PID/fd | wc -l`)",
        "Alert on open descriptors against the limit",
    ),
    sign(
        Category::CpuSaturation,
        0.7,
        "The host's kernel reports stalled CPUs or tasks",
        "soft lockup|hung_task|blocked for more than|rcu_sched self-detected stall|cpu clock throttled|\
         temperature above threshold",
    )
    .fix(
        "Look at load, steal time and disk latency of the host; drain it",
        "Alert on load and I/O wait of nodes",
    ),
    sign(
        Category::NetworkFault,
        0.9,
        "The connection tracking table of the host is full and packets are dropped",
        "nf_conntrack: table full|conntrack table full",
    )
    .decisive()
    .fix(
        "Raise net.netfilter.nf_conntrack_max and find who opens the connections",
        "Alert at 75 % of the table",
    ),
];
