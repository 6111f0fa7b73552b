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
        0.86,
        "A process was killed from outside (signal 9), as a rule because memory ran out",
        "terminated by signal 9|killed by signal 9|signal: killed|exited on signal 9|exit code 137|exit code: 137|exited with code 137|\
         exited with 137|exit status 137|signal: 9|(sigkill)",
    )
    .fix(
        "Look for the OOM killer in the kernel log (`dmesg -T`) and at the memory limit of that time",
        "Alert at 90 % of the memory limit",
    ),
    sign(
        Category::OomKilled,
        0.9,
        "The program ran out of memory",
        "outofmemoryerror|java heap space|gc overhead limit exceeded|javascript heap out of memory|\
         cannot allocate memory|memoryerror|enomem|std::bad_alloc|runtime: out of memory|out of memory|\
         allocation failed - |memory allocation of|unable to create new native thread|insufficient memory|\
         allowed memory size of|memory size exhausted|used memory > 'maxmemory'",
    )
    .without("out of memory: false|perhaps out of memory")
    .fix(
        "Give it a larger heap and memory limit, or find the leak (heap dump, profile) before it restarts",
        "Alert at 90 % of the memory limit; cap caches and batch sizes",
    ),
    sign(
        Category::MemoryPressure,
        0.84,
        "The server is at its memory limit and holds its clients back (memory alarm)",
        "memory resource limit alarm|memory alarm|vm_memory_high_watermark|publishers will be blocked|circuit_breaking_exception|\
         circuitbreakingexception|circuitbreakerexception: [parent] data too large",
    )
    .without("alarm cleared|cleared on")
    .fix(
        "Find what fills the memory (queues without consumers, large requests), drain it, then give the server more",
        "Alert at 80 % of the server's own memory limit",
    ),
    sign(
        Category::MemoryPressure,
        0.82,
        "The JVM stands still in full garbage collections: its heap is nearly full",
        "to-space exhausted|pause full (allocation failure)|pause full (g1 compaction|full gc (allocation failure)|\
         full gc (ergonomics)|concurrent mode failure|promotion failed|allocation stall",
    )
    .fix(
        "Compare the heap after a full collection with -Xmx: take a heap dump for the leak, or give it a larger heap and memory limit",
        "Alert on the share of time in garbage collection",
    ),
    sign(
        Category::DiskFull,
        0.93,
        "The disk is full: no space left on device {thing}",
        "no space left on device|enospc|disk is full|disk full|out of disk space|not enough disk space|\
         insufficient disk space|disk quota exceeded|edquot|not enough free space|no disk space|no free disk space|\
         storage full|storage-full|storage is full|ran out of storage|out of storage space|free storage capacity|\
         flood stage disk watermark|flood-stage watermark|high disk watermark|disk resource limit alarm|free disk space is insufficient",
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
        Category::Volume,
        0.84,
        "A network file system does not answer {thing}",
        "not responding, still trying|nfs: server|nfs server|stale nfs",
    )
    .with("not responding|timed out|stale")
    .fix("Check the storage server and the network path to it; the processes that wait for it cannot be killed", "Probe mounts with a deadline"),
    sign(
        Category::Volume,
        0.74,
        "The disk is too slow: the program waits for its writes",
        "slow fdatasync|fdatasync took|fsync took|slow fsync|wal fsync|apply request took too long|slow disk|disk latency",
    )
    .with("slow|took|high|exceed")
    .fix("Measure the disk (`iostat -x 1`), move the data to a faster one, or take away what else writes there", "Alert on the p99 of fsync"),
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
        0.82,
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
