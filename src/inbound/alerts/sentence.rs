//! Is a plain sentence an alert? "checkout p99 latency is above 2s in prod since 14:05" is, "thanks!" is not.

use super::pattern::{Pattern, capture, compile};

static SYMPTOM: Pattern = Pattern::new(|| {
    compile(
        r"(?ix)\b(?:
            (?:is|are|was|has\ been|went|gone|are\ all|looks?)\s+(?:\w+\s+)?(?:down|unreachable|unavailable|unhealthy|degraded|failing|offline|not\ responding|not\ ready|unresponsive|overloaded|flapping|full|stuck|out\ of\ \w+)
          | (?:above|below|over|under|exceed(?:s|ed|ing)?|exceeded|breached|greater\ than|less\ than|more\ than|fewer\ than|higher\ than|lower\ than|reached|crossed|at)\s+(?:the\ |its\ |a\ )?(?:critical\ |warning\ |configured\ )?(?:threshold|limit|quota|budget|[<>]?=?\s*[$]?\d[\d.,]*\s*(?:%|percent|ms|s\b|sec|seconds|minutes|m\b|h\b|gb|gib|mb|rps|qps|/s|k\b|requests|errors|messages)?)
          | not\ ?ready | error\ budget | burn\ rate | too\ (?:high|low|slow|many|few) | (?:not|stopped)\ (?:responding|reachable|receiving|scraped|reporting|accepting)
          | (?:error\ rate|latency|response\ time|cpu(?:\ usage)?|memory(?:\ usage)?|disk(?:\ space|\ usage)?|queue\ (?:depth|length)|replication\ lag|consumer\ lag|p9\d(?:\.\d)?)\s+(?:\w+\s+){0,3}(?:high|low|elevated|spik\w*|increas\w*|critical|degraded)
          | (?:high|low|elevated|increased|spike\ in|excessive)\s+(?:\w+\s+){0,2}(?:latency|error\ rate|errors?|cpu|memory|load|5xx|disk|lag|restarts?|timeouts?|usage|utili[sz]ation)
          | crash\ ?loop\w* | oom\ ?killed | out\ of\ memory | connection\ refused | connection\ pool\ exhausted | disk\ full | no\ space\ left
          | health\ ?checks?\ (?:is\ |are\ |has\ )?fail\w* | failed\ health\ ?checks? | (?:is|are)\ (?:timing\ out|crashing|restarting|throttled) | 5xx | http\ 5\d\d | outage
          | (?:job|backup|task|sync|replication|snapshot|probe|check)\s+(?:(?:of|for)\s+\S+\s+|\S+\s+)?(?:has\ |was\ )?(?:failed|stopped|aborted) | failed\ to\ \w+
          | no\ data\ (?:received|points?|for) | has(?:n't|\ not)\ checked\ in | certificate\ (?:\w+\s+){0,3}expires? | host\ is\ unreachable | just\ entered\ alert | has\ degraded
          | (?:is|are)\ not\ running | \b0\s?/\s?\d+\s+(?:replicas?|pods?|instances?|nodes?|targets?)\b
          | [a-z0-9]+(?:[-_.][a-z0-9]+)+\s+(?:unhealthy|down|unreachable|offline|degraded|unavailable)\b
          | (?:latency|time|rate|usage|lag|depth|errors|age|p9\d)\b[^.]{0,30}\d\S*\s*(?:[<>]=?|≥|≤)\s*\d
          | alert\ of\ severity | threshold\ crossed
        )",
    )
});
static CHATTER: Pattern = Pattern::new(|| {
    compile(
        r"(?i)(?:\?\s*$|\b(?:thanks|thank you|thx|lgtm|hello|good morning|good night|happy|welcome|congrats|reminder|standup|stand-up|lunch|meeting|deployed|deploying|deploys|deploy (?:started|finished|succeeded|complete)|deployment (?:started|finished|succeeded|complete)|released|rolled out|rolling out|merged|pull request|\bPR #?\d+|opened a|commented|pushed|pushed to|approved|joined|left the channel|has been added|test message|this is a test|please ignore|scheduled maintenance|changelog|how (?:do|can|to)|why (?:is|are|does)|what (?:is|are)|can (?:you|someone|we)|could you|should we|let's|i think|i'll|i will|we will|we'll|looking into|investigating now|postmortem|post-mortem|retrospective|(?:build|pipeline|workflow|tests) (?:succeeded|passed|was successful)|fixes|improves|false alarm|was fixed|fyi)\b)",
    )
});
static SUBJECT: Pattern = Pattern::new(|| {
    compile(
        r"(?ix)^(?:the\s+|service\s+|pod\s+|host\s+|alert:\s*)*
          (?:application\s+)?([a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*)\s+
          (?:service\s+|api\s+|app\s+)?(?:p\d\d(?:\.\d)?\b|latency|error|errors|5xx|http|response|request|cpu|memory|disk|queue|replication|consumer|restarts?|is\s|are\s|has\s|pods?\s|health|connection|certificate|timeouts?|(?:un)?healthy|unreachable|offline|degraded|unavailable)",
    )
});
static ON: Pattern = Pattern::new(|| {
    compile(
        r"(?i)\b(?:latency|errors?|error rate|queue depth|depth|burn rate|too high|too low|5xx|cpu|cpu usage|memory|memory usage|disk usage|disk space|lag|load|restarts?|timeouts?|failures?|response time|usage)\s+(?:on|for|in|from|of|at)\s+(?:the\s+|service\s+|pod\s+|host\s+)*[`\x22']?([a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*)",
    )
});
/// `payments-api: 5xx above 5%`: a name of several parts before a colon.
static PREFIX: Pattern = Pattern::new(|| compile(r"^[`*]*([a-z][a-z0-9]*(?:[-_][a-z0-9]+)+)[`*]*:\s"));
static ENVIRONMENT: Pattern = Pattern::new(|| compile(r"(?i)\b(?:in|on)\s+(prod|production|staging|stage|dev|qa|uat|preprod)\b"));

static RECOVERY: Pattern = Pattern::new(|| {
    compile(
        r"(?i)\b(?:(?:has|have)\s+(?:now\s+)?recovered|is\s+(?:now\s+)?healthy\s+again|(?:is\s+)?back\s+(?:to\s+normal|online|up)|is\s+up\s+again|[a-z0-9]+(?:[-_.][a-z0-9]+)+\s+(?:is\s+)?healthy|is\s+(?:now\s+)?(?-i:UP))\b",
    )
});

/// Whether the sentence says that a problem is over.
pub(super) fn is_recovery(text: &str) -> bool {
    RECOVERY.is_match(text)
}

/// Whether the sentence states a symptom and is not people talking.
pub(super) fn is_alert(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && SYMPTOM.is_match(text) && !CHATTER.is_match(text)
}

pub(super) fn is_chatter(text: &str) -> bool {
    CHATTER.is_match(text.trim())
}

/// Announced work, whatever state it is in.
pub(super) fn is_maintenance(text: &str) -> bool {
    static MAINTENANCE: Pattern =
        Pattern::new(|| compile(r"(?i)\b(?:scheduled|planned|the) maintenance\b|\bmaintenance (?:window|is|has|was|will)\b"));
    MAINTENANCE.is_match(text)
}

/// What the sentence is about, when its grammar shows it.
pub(super) fn service(text: &str) -> Option<&str> {
    let filler = |word: &&str| {
        !matches!(
            word.to_lowercase().as_str(),
            "the"
                | "high"
                | "low"
                | "http"
                | "error"
                | "cpu"
                | "memory"
                | "disk"
                | "prod"
                | "production"
                | "staging"
                | "all"
                | "some"
                | "it"
                | "this"
                | "that"
                | "there"
                | "pod"
                | "node"
                | "service"
                | "alert"
                | "latency"
                | "average"
                | "total"
                | "everything"
                | "we"
                | "request"
                | "host"
                | "connection"
                | "consumer"
                | "replication"
                | "queue"
                | "response"
                | "a"
                | "an"
                | "one"
                | "network"
                | "storage"
                | "elevated"
                | "message"
                | "probe"
                | "avg"
                | "is"
                | "are"
                | "was"
                | "has"
                | "on"
                | "in"
                | "of"
                | "with"
                | "env"
                | "region"
                | "each"
                | "any"
        )
    };
    capture(&ON, text).filter(filler).or_else(|| capture(&SUBJECT, text).filter(filler)).or_else(|| capture(&PREFIX, text).filter(filler))
}

pub(super) fn environment(text: &str) -> Option<&str> {
    capture(&ENVIRONMENT, text)
}
