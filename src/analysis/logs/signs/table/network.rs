//! Connections, dependencies and queues.

use super::super::{Category, Sign, Thing, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::ConnectionRefused,
        0.8,
        "The connection to {thing} is refused: nothing listens there",
        "connection refused|econnrefused|connect refused|connectionrefused|refused the connection|actively refused|\
         refused to connect|errno 111|(111:",
    )
    .about(Thing::Target)
    .fix(
        "Check that the process behind {thing} runs and listens on that port, and that host and port are right",
        "Alert on the dependency itself; start after its dependencies are ready",
    ),
    sign(
        Category::NetworkFault,
        0.83,
        "There is no network path to {thing}",
        "no route to host|network is unreachable|ehostunreach|enetunreach|host unreachable|host is unreachable|\
         network unreachable|hostunreachable",
    )
    .about(Thing::Target)
    .fix("Check routes, firewalls and NetworkPolicies to {thing}", "Probe the path from the same network zone"),
    sign(
        Category::NetworkFault,
        0.84,
        "kube-proxy cannot write the rules of the Services (iptables sync): its node sends to old or no endpoints",
        "failed to execute iptables-restore|iptables-restore failed|xtables lock|failed to ensure that filter chain|failed to sync ipvs|\
         failed to delete stale service|failed to execute nftables|sync failed|failed to list *v1.endpointslice",
    )
    .with("proxier|kube-proxy|iptables|ipvs|nftables|endpointslice")
    .fix(
        "See what holds the lock or which rule is refused (`iptables-save | tail`, kube-proxy's own log), then restart kube-proxy on that node",
        "Alert on kubeproxy_sync_proxy_rules_last_timestamp_seconds older than 10 minutes",
    ),
    sign(
        Category::NetworkFault,
        0.86,
        "The connection tracking table of the node is full: packets of new connections are dropped (nf_conntrack)",
        "nf_conntrack: table full|nf_conntrack: nf_conntrack: table full|conntrack table full|ip_conntrack: table full",
    )
    .fix(
        "Raise net.netfilter.nf_conntrack_max on the node and find who opens so many connections (`conntrack -S; conntrack -L | wc -l`)",
        "Alert when node_nf_conntrack_entries exceeds 80 % of its limit",
    ),
    sign(
        Category::Latency,
        0.82,
        "A worker did not finish in time and was killed by its own server (worker timeout)",
        "worker timeout|harakiri|worker failed to boot|worker exceeded",
    )
    .fix(
        "Find what the worker waited for (a slow query, upstream or lock) before raising the timeout",
        "Give every outgoing call a deadline below the worker's",
    ),
    sign(
        Category::ConnectionTimeout,
        0.7,
        "Calls to {thing} time out",
        "connection timed out|i/o timeout|connect timeout|connection timeout|etimedout|connecttimeout|\
         context deadline exceeded|deadline_exceeded|deadline exceeded|read timed out|readtimeout|sockettimeout|\
         request timed out|timed out after|timed out waiting|operation timed out|request timeout|gateway timeout|\
         upstream timed out|timeout exceeded|timeout of |timeouterror|timeoutexception|timed out",
    )
    .without("timeout=|0 timed out|command '")
    .about(Thing::Target)
    .fix(
        "Measure where the time goes: name, connection (policy, route, full backlog) or the answer of {thing}",
        "Set deadlines per call; alert on the dependency's latency",
    ),
    sign(
        Category::NetworkFault,
        0.66,
        "Connections to {thing} break off",
        "connection reset|econnreset|broken pipe|epipe|socket hang up|unexpected eof|server closed the connection|\
         connection closed by|remotedisconnected|connection aborted|connectionreset|premature close|prematurely closed|\
         connection was closed|stream closed|connection lost|lost connection|peer down|link down|network partition|\
         partition detected",
    )
    .about(Thing::Target)
    .fix(
        "Look at the other end's log at the same moment (restart, crash, idle timeout of a proxy in between)",
        "Keep idle timeouts of clients below those of proxies",
    ),
    sign(
        Category::DependencyFailure,
        0.7,
        "No instance of a service that this one calls is available {thing}",
        "no instances available for|has no server available|no healthy upstream|no servers available for|load balancer does not have available server|\
         no provider available|no available server|no endpoints available for service",
    )
    .about(Thing::Target)
    .fix(
        "Look at the pods and the registration (discovery, EndpointSlice) of the service that the line names",
        "Alert on services without ready instances",
    ),
    sign(
        Category::DependencyFailure,
        0.62,
        "A service that this one depends on fails {thing}",
        "503 service unavailable|502 bad gateway|504 gateway|service unavailable|bad gateway|no healthy upstream|\
         upstream connect error|no live upstreams|status code 500|status code 502|status code 503|status code 504|\
         status=502|status=503|status=504|status 502|status 503|status 504|http 500|http 502|http 503|http 504|\
         500 internal server error|circuit breaker is open|circuit breaker open|circuitbreaker|downstreamunavailable|\
         downstream unavailable|upstream unavailable|remote service error|rpc error|statuscode.unavailable|\
         code = unavailable|failed to call|upstream failure|internal server error",
    )
    .about(Thing::Target)
    .symptom()
    .fix(
        "Look at the dependency that the line names: its own log, pods and deploys at that time",
        "Alert on each dependency; degrade where it is missing",
    ),
    sign(
        Category::QueueBacklog,
        0.76,
        "All workers are busy: the server's worker limit is reached and requests wait",
        "pm.max_children|maxrequestworkers|worker_connections are not enough|threadpool is full|thread pool is full|\
         all threads are busy|no idle workers|thread pool exhausted|all workers are busy",
    )
    .with("reached|not enough|full|busy|no idle|exhausted")
    .fix(
        "Find what the workers wait for (a slow upstream or database); raise the limit only when memory and CPU allow it",
        "Alert at 80 % of the workers busy",
    ),
    sign(
        Category::QueueBacklog,
        0.66,
        "Work piles up faster than it is done (queue backlog or overload)",
        "queue is full|queue full|queue overflow|queue depth|consumer lag|backpressure|back pressure|rejectedexecution|\
         broker not available|leader not available|leader_not_available|not_leader|recordtoolarge|message too large|\
         dead letter|backlog|worker pool saturated|shedding load|server overloaded",
    )
    .with(
        "full|overflow|exceed|lag|reject|not available|not_|too large|dead|saturat|overload|high|growing|backlog|\
           pressure",
    )
    .without("lag 0|lag=0|lag: 0|backlog 0|backlog=0|backlog: 0")
    .fix(
        "Compare arrival and service rate; scale the workers or find the slow dependency they wait for",
        "Alert on queue depth and on the age of the oldest message",
    ),
];
