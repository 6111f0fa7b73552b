//! Messages of deploy bots: what changed, which version, where, by whom, and how it went. Evidence for later, never an alert.
//!
//! No bot is known by its template. A message is a change when it says so (a verb of deploying with its outcome) and has
//! what a change has: a bot that deploys, a version, or an environment. What says that something is sick is none.

use jiff::Timestamp;

use super::{
    draft::cut,
    json,
    pattern::{Pattern, capture, compile},
    post,
    slack::Post,
    subject,
};
use crate::model::{Entity, observation::Change};

const MAX_SUMMARY: usize = 300;
const MAX_WORD: usize = 200;

/// Bots whose trade is changing things, by a part of their name.
#[rustfmt::skip]
const DEPLOYERS: &[(&str, &str)] = &[
    ("argo", "argocd"), ("flux", "flux"), ("kustomization/", "flux"), ("helmrelease/", "flux"), ("github", "github"), ("gitlab", "gitlab"),
    ("jenkins", "jenkins"), ("circleci", "circleci"), ("spinnaker", "spinnaker"), ("octopus", "octopus"), ("launchdarkly", "launchdarkly"),
    ("unleash", "unleash"), ("flagsmith", "flagsmith"), ("split.io", "split"), ("harness", "harness"), ("buildkite", "buildkite"),
    ("teamcity", "teamcity"), ("bitbucket", "bitbucket"), ("azure pipelines", "azure_pipelines"), ("azure devops", "azure_pipelines"),
    ("vercel", "vercel"), ("netlify", "netlify"), ("heroku", "heroku"), ("codedeploy", "codedeploy"), ("codepipeline", "codepipeline"),
    ("terraform", "terraform"), ("atlantis", "atlantis"), ("drone", "drone"), ("travis", "travis"), ("werf", "werf"),
    ("deploy", "deploy"), ("release", "release"), ("ci/cd", "ci"), ("pipeline", "pipeline"),
];

static NAME: &str = r"[`'\x22*]*([A-Za-z0-9][A-Za-z0-9_./-]*[A-Za-z0-9])[`'\x22*]*";

/// Something was put somewhere, or is being put there.
static DEPLOYED: Pattern = Pattern::new(|| {
    compile(
        r"(?ix)\b(?:
            (?:re)?deployed | (?:re)?deploying | rolled\s+(?:out|back) | rolling\s+(?:out|back) | promoted | releasing
          | (?:is\s+|has\s+been\s+)?released\s+(?:to|in|version|v?\d) | released\s+\S+\s+v?\d
          | (?:has\s+been\s+|was\s+)?(?:successfully\s+)?(?:synced|upgraded\s+to|updated\s+to|bumped\s+to) | is\s+now\s+running\s+new\s+version
          | (?:deploy|deployment|deploys|release|rollout|rollback|roll-back|sync(?:\s+operation)?|upgrade|reconciliation|apply)\b.{0,100}?
            \b(?:succeeded|success|successful|successfully|completed?|finished|done|started|starting|begun|in\s+progress|is\s+live|triggered|canceled|cancelled|aborted|failed|failure|fails|rejected|approved|passed)
          | (?:succeeded|success|successful|successfully|completed|finished|started|failed|failure|failing)\b.{0,40}?\b(?:deploy(?:ment)?|release|rollout|rollback|sync)
          | reconciliation\s+finished | applied\s+revision | helm\s+(?:install|upgrade)\s+succeeded
        )\b",
    )
});
/// A flag was turned.
static FLAGGED: Pattern = Pattern::new(|| {
    compile(
        r"(?i)\b(?:turned\s+(?:on|off)|enabled|disabled|toggled|updated|changed|archived|created|scheduled changes to|(?:on|off)\s+for)\b.{0,60}?\b(?:feature\s+)?(?:flag|toggle|targeting|experiment|kill\s*switch)\b|\b(?:feature\s+)?(?:flag|toggle)\b.{0,80}?\b(?:turned\s+(?:on|off)|enabled|disabled|toggled|updated|changed|is\s+now\s+(?:on|off))\b",
    )
});
/// It went wrong.
static FAILED: Pattern =
    Pattern::new(|| compile(r"(?i)\b(?:failed|failure|fails|failing|error(?:ed)?|aborted|unsuccessful|rejected|timed\s+out)\b"));
static STARTED: Pattern =
    Pattern::new(|| compile(r"(?i)\b(?:started|starting|begun|in\s+progress|deploying|rolling\s+out|releasing|triggered|queued)\b"));
static ROLLED_BACK: Pattern = Pattern::new(|| compile(r"(?i)\b(?:rolled\s+back|rolling\s+back|rollback|roll-back|revert(?:ed|ing)?)\b"));
static CANCELLED: Pattern = Pattern::new(|| compile(r"(?i)\b(?:cancell?ed|aborted)\b"));
/// What runs is sick: that is an alert, whoever tells of it.
static SICK: Pattern = Pattern::new(|| {
    compile(
        r"(?i)\b(?:has\s+degraded|is\s+degraded|health\s+(?:status)?\s*(?:is|:)?\s*degraded|unhealthy|crash\s*loop\w*|has\s+not\s+(?:matched|rolled)|(?:is\s+)?stuck|progress\s+deadline|replicas?\s+(?:mismatch|unavailable)|unavailable\s+replicas?|oom\s*killed|is\s+down|unreachable)\b",
    )
});
static VERSION: Pattern = Pattern::new(|| {
    compile(r"(?i)(?:^|[\s(:@#`*'\x22])((?:v|release-)?\d+\.\d+(?:\.\d+)*(?:[-+.][0-9a-z.-]*[0-9a-z])?|v\d+)(?:$|[\s),.;:`*'\x22])")
});
static REVISION: Pattern =
    Pattern::new(|| compile(r"(?i)(?:^|[\s(:@#/`*'\x22])([0-9a-f]*(?:[0-9][a-f]|[a-f][0-9])[0-9a-f]*)(?:$|[\s),.;:`*'\x22|])"));
static ENVIRONMENT: Pattern = Pattern::new(|| {
    compile(
        r"(?i)\b(?:to|in|on|into|for|environment:?|env:?)\s+(?:the\s+)?[`*'\x22]*((?:prod|production|live|staging|stage|preprod|pre-prod|qa|uat|dev|development|sandbox|canary|test)(?:[-_][a-z0-9-]+)?|[a-z0-9-]+-(?:prod|production|staging|dev))\b",
    )
});
static BY: Pattern = Pattern::new(|| {
    compile(r"(?i)\b(?:by|author:?|triggered\s+by|started\s+by|deployer:?|actor:?)\s+[@`*'\x22]*([A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9])")
});
static WHO: Pattern = Pattern::new(|| {
    compile(
        r"(?i)^\W*@?([A-Za-z][A-Za-z0-9_.-]*)\s+(?:has\s+|is\s+|just\s+|successfully\s+)*(?:re)?(?:deployed|deploying|released|promoted|rolled|turned|enabled|disabled|toggled)\b",
    )
});
static FLAG: Pattern = Pattern::new(|| {
    compile(&format!(r"(?i)\b(?:feature\s+)?(?:flag|toggle|experiment)\s+(?:targeting\s+(?:of|for)\s+)?(?:called\s+|named\s+)?{NAME}"))
});
static FLAG_BEFORE: Pattern = Pattern::new(|| {
    compile(&format!(
        r"(?i)(?:turned\s+(?:on|off)|enabled|disabled|toggled|updated)\s+(?:the\s+)?{NAME}\s+(?:feature\s+)?(?:flag|toggle)\b"
    ))
});

/// Where a sentence of deploying has the name of what is deployed, the surest place first.
static SUBJECTS: [Pattern; 8] = [
    Pattern::new(|| compile(&format!(r"(?i)\bapplication\s+(?:is\s+)?{NAME}"))),
    Pattern::new(|| compile(&format!(r"(?i)\b(?:kustomization|helmrelease|deployment|statefulset|rollout)/{NAME}"))),
    Pattern::new(|| {
        compile(&format!(
            r"(?i)\b(?:deploy(?:ment|ing|s)?|release|rollout|rollback|upgrade|pipeline|version\s+\S+|v?\d[\w.+-]*)\s+(?:of|for)\s+(?:the\s+)?(?:service\s+|app\s+|application\s+)?{NAME}"
        ))
    }),
    Pattern::new(|| {
        compile(&format!(
            r"(?i)\b(?:re)?(?:deployed|deploying|released|releasing|promoted|upgraded|rolled\s+(?:out|back)|rolling\s+(?:out|back))\s+(?:the\s+|service\s+|app\s+|successfully\s+)*{NAME}"
        ))
    }),
    Pattern::new(|| {
        compile(&format!(
            r"(?i){NAME}(?:\s+service)?\s+[`*(@:]*(?:version\s+)?v?\d+\.\d[\w.+-]*[`*)]*\s+(?:is\s+|was\s+|has\s+been\s+|successfully\s+)*(?:deployed|released|rolled|live|promoted)"
        ))
    }),
    Pattern::new(|| compile(&format!(r"(?i)\bdeploy\s+{NAME}\s+(?:release\s+|version\s+)?v?\d"))),
    Pattern::new(|| {
        compile(&format!(
            r"(?i)\b{NAME}\s+(?:has\s+been\s+|was\s+|is\s+being\s+|is\s+)?(?:successfully\s+)?(?:deployed|released|rolled\s+(?:out|back)|promoted|synced|upgraded)\b"
        ))
    }),
    Pattern::new(|| compile(&format!(r"(?i)^\W*{NAME}\s*(?::|-|—|»)?\s+(?:deploy(?:ment)?|release|rollout|rollback)\b"))),
];

/// The changes that a message tells of; empty where it tells of none.
pub(super) fn read(post: &Post, at: Option<Timestamp>) -> Vec<Change> {
    one(post, at).into_iter().collect()
}

fn one(post: &Post, at: Option<Timestamp>) -> Option<Change> {
    let lines: Vec<&str> =
        post.titles.iter().chain(&post.texts).chain(&post.fallbacks).map(String::as_str).filter(|line| !line.trim().is_empty()).collect();
    let fields: String = post.fields.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
    let text = lines.join("\n");
    let all = format!("{text}\n{fields}");
    if post.person || lines.iter().any(|line| subject::read(line).is_some()) || SICK.is_match(&all) || post::is_alert_sender(post) {
        return None;
    }
    let bot = deployer(post);
    let listing = post.listing();
    let flag = FLAGGED.is_match(&text);
    let deployed = DEPLOYED.is_match(&text) || bot.is_some() && outcome_alone(post, &text);
    if !(flag || deployed) {
        return None;
    }
    let field = |keys: &[&str]| listing.pair(keys).map(|value| cut(value.trim(), MAX_WORD)).filter(|value| !value.is_empty());
    let version = field(&["version", "release", "tag", "image tag", "image", "revision", "commit", "sha", "build", "ref"])
        .or_else(|| capture(&VERSION, &text).map(str::to_owned))
        .or_else(|| capture(&REVISION, &text).filter(|word| (7..=40).contains(&word.len())).map(str::to_owned));
    let environment = field(&["environment", "env", "stage", "target environment", "namespace", "cluster"])
        .or_else(|| capture(&ENVIRONMENT, &text).map(str::to_owned));
    // A word of deploying alone is chat; a change names what, which or where, and a failure needs more than the word
    // "deployment", which Kubernetes uses for a thing.
    let failed = FAILED.is_match(&text);
    let stated = version.is_some() || environment.is_some();
    if !(bot.is_some() || stated && !(failed && version.is_none() && !text.to_lowercase().contains("deployment of"))) {
        return None;
    }
    let service = service(post, &text, &listing, flag)?;
    let author = field(&["author", "triggered by", "deployed by", "by", "user", "actor", "deployer", "started by"])
        .or_else(|| capture(&BY, &text).map(str::to_owned))
        .or_else(|| lines.iter().find_map(|line| capture(&WHO, line)).map(str::to_owned))
        .filter(|who| *who != service)
        .unwrap_or_default();
    let outcome = outcome(post, &text);
    let told = text.lines().find(|line| FLAGGED.is_match(line) || DEPLOYED.is_match(line)).or_else(|| text.lines().next());
    let head = super::mrkdwn::without_emoji(told.unwrap_or_default());
    let mut summary = cut(head, MAX_SUMMARY);
    for (what, value) in [("version", &version), ("environment", &environment)] {
        if let Some(value) = value.as_ref().filter(|value| !summary.contains(value.as_str())) {
            summary.push_str(&format!(", {what} {value}"));
        }
    }
    if !flag && !summary.to_lowercase().contains(outcome) {
        summary.push_str(&format!(" ({outcome})"));
    }
    Some(Change {
        source: bot.unwrap_or("slack").to_owned(),
        id: version.unwrap_or_default(),
        kind: if flag && !DEPLOYED.is_match(&text) { "flag" } else { "deploy" }.to_owned(),
        entity: Entity { kind: "Service".to_owned(), name: service.clone(), ..Entity::default() },
        service,
        time: json::time(&post.ts).or(at),
        author,
        summary: cut(&summary, MAX_SUMMARY),
        ..Change::default()
    })
}

/// Who posted it, if its trade is changing things.
fn deployer(post: &Post) -> Option<&'static str> {
    let names = format!("{}\n{}\n{}", post.sender, post.footer, post.author).to_lowercase();
    DEPLOYERS.iter().find(|(part, _)| names.contains(part)).map(|(_, source)| *source)
}

/// `checkout-deploy - #42 Success after 3 min`, `checkout 1.2.3 to Production - SUCCESS`: the bot's trade is the verb.
fn outcome_alone(post: &Post, text: &str) -> bool {
    static OUTCOME: Pattern =
        Pattern::new(|| compile(r"(?i)\b(?:success|succeeded|successful|passed|failure|failed|aborted|unstable|back to normal)\b"));
    static ABOUT: Pattern = Pattern::new(|| compile(r"(?i)deploy|release|rollout|promote|prod|staging"));
    OUTCOME.is_match(text) && (ABOUT.is_match(text) || post.fields.iter().any(|(key, value)| ABOUT.is_match(key) || ABOUT.is_match(value)))
}

fn outcome(post: &Post, text: &str) -> &'static str {
    if ROLLED_BACK.is_match(text) {
        "rolled back"
    } else if CANCELLED.is_match(text) {
        "cancelled"
    } else if FAILED.is_match(text) || matches!(post.color.trim_start_matches('#').to_lowercase().as_str(), "danger" | "a30200") {
        "failed"
    } else if STARTED.is_match(text) && !text.to_lowercase().contains("succe") {
        "started"
    } else {
        "succeeded"
    }
}

/// What was changed.
fn service(post: &Post, text: &str, listing: &super::listing::Listing, flag: bool) -> Option<String> {
    let named = |name: &str| {
        // `org/repo`, `kustomization/podinfo.flux-system`, `…/repo.git`: the last part is the name.
        let name = name.trim().trim_end_matches(".git").rsplit('/').next().unwrap_or("").trim_matches(['*', '`', '"', '\'', '.', ':']);
        let name = name.split([' ', ',', '@']).next().unwrap_or("");
        let plain = name.len() > 1 && !is_filler(name) && !VERSION.is_match(name);
        plain.then(|| cut(name, MAX_WORD))
    };
    if flag && let Some(found) = capture(&FLAG, text).or_else(|| capture(&FLAG_BEFORE, text)).and_then(named) {
        return Some(found);
    }
    if let Some((_, name)) = post.author.split_once('/').filter(|(kind, _)| matches!(*kind, "kustomization" | "helmrelease")) {
        return named(name.split('.').next().unwrap_or(name));
    }
    let field = listing
        .pair(&["service", "application", "app", "component", "project", "repository", "repo", "pipeline", "job", "workload"])
        .and_then(named);
    let said = || {
        SUBJECTS
            .iter()
            .find_map(|pattern| pattern.captures_iter(text).filter_map(|found| found.get(1)).find_map(|name| named(name.as_str())))
    };
    field
        .or_else(said)
        .or_else(|| post.titles.iter().chain(&post.fallbacks).chain(&post.texts).find_map(|line| named(line.split_whitespace().next()?)))
}

/// Words that stand where a name could.
#[rustfmt::skip]
fn is_filler(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "the" | "a" | "an" | "to" | "in" | "on" | "of" | "for" | "by" | "new" | "version" | "release" | "deployment" | "deploy" | "rollout"
            | "rollback" | "successfully" | "successful" | "success" | "failed" | "failure" | "is" | "was" | "has" | "been" | "now" | "production"
            | "prod" | "staging" | "dev" | "and" | "from" | "with" | "your" | "our" | "all" | "job" | "pipeline" | "build" | "revision" | "app"
            | "application" | "service" | "feature" | "flag" | "started" | "finished" | "completed" | "it" | "this" | "sync" | "operation" | "we"
            | "i" | "back" | "out" | "stage" | "applied" | "reconciliation" | "flags" | "environment" | "latest" | "details" | "at"
    )
}
