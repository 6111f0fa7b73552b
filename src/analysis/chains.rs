//! What brings about what: a cause that is deeper in the chain takes over the effects that look like causes of their own,
//! and a change that touches exactly what is broken is told with it.

#[cfg(test)]
mod tests;

use super::{Finding, links::Links};
use crate::model::Category;

/// A change that is applied shortly after the first sign: clocks differ. Source: ±60 s onset uncertainty.
const CLOCKS_DIFFER_SECONDS: i64 = 120;
/// Shorter words are in too many texts to identify anything.
const IDENTIFIER_LEAST: usize = 5;

/// `cause` is known to bring about `effect`. Transitive steps are listed, so that one look is enough.
pub fn brings_about(cause: Category, effect: Category) -> bool {
    use Category as C;
    // What a caller sees when something that it needs does not answer.
    const UNANSWERED: &[Category] =
        &[C::ConnectionTimeout, C::DependencyFailure, C::ProbeFailure, C::NoEndpoints, C::ErrorRate, C::Latency, C::RolloutStuck];
    let effects: &[&[Category]] = match cause {
        C::NetworkPolicy => &[
            UNANSWERED,
            &[
                C::DnsFailure,
                C::ConnectionRefused,
                C::NetworkFault,
                C::ConnectionPoolExhausted,
                C::DatabaseUnavailable,
                C::PermissionDenied,
            ],
        ],
        C::DnsFailure => &[UNANSWERED, &[C::DatabaseUnavailable]],
        C::MissingIndex => {
            &[UNANSWERED, &[C::SlowQuery, C::ConnectionPoolExhausted, C::CachePressure, C::CpuSaturation, C::LockContention]]
        }
        C::SlowQuery | C::LockContention => &[UNANSWERED, &[C::ConnectionPoolExhausted]],
        C::ConnectionPoolExhausted | C::ConnectionLimit => &[UNANSWERED],
        C::OomKilled | C::CommandNotFound | C::ImagePull | C::ConfigMissing | C::DiskFull => &[UNANSWERED, &[C::CrashLoop]],
        C::TrafficSurge => &[
            UNANSWERED,
            &[C::QueueBacklog, C::CpuSaturation, C::ConnectionPoolExhausted, C::ConnectionLimit, C::RateLimited, C::SlowQuery],
        ],
        C::TlsCertificate => &[UNANSWERED, &[C::Authentication]],
        C::Autoscaling => &[UNANSWERED, &[C::CpuSaturation]],
        C::NoEndpoints => &[&[C::ConnectionRefused, C::ConnectionTimeout, C::DependencyFailure, C::ErrorRate, C::Latency]],
        _ => &[],
    };
    effects.iter().any(|group| group.contains(&effect))
}

/// The effect speaks of the very thing that has the fault: the callers of a service name it.
pub fn names(effect: &Finding, cause: &Finding) -> bool {
    let name = cause.entity.name.as_str();
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '-');
    name.len() >= IDENTIFIER_LEAST
        && effect.statement.match_indices(name).any(|(at, _)| {
            let before = effect.statement.get(..at).and_then(|text| text.chars().next_back());
            let after = effect.statement.get(at + name.len()..).and_then(|text| text.chars().next());
            edge(before) && edge(after)
        })
}

/// A fault of this category reaches others than the object that has it: a policy, a name server, a database.
pub fn is_shared(category: Category) -> bool {
    use Category as C;
    matches!(
        category,
        C::NetworkPolicy
            | C::DnsFailure
            | C::MissingIndex
            | C::SlowQuery
            | C::LockContention
            | C::ConnectionPoolExhausted
            | C::ConnectionLimit
            | C::TlsCertificate
            | C::DiskFull
    )
}

/// Which fields a change must have touched to bring about a fault of this category, as they are written in a diff.
fn telling_fields(category: Category) -> &'static [&'static str] {
    use Category as C;
    match category {
        C::OomKilled | C::MemoryPressure => &["memory", "-Xmx", "heap"],
        C::CpuSaturation => &["cpu"],
        C::ImagePull => &["image"],
        C::ProbeFailure => &["livenessProbe", "readinessProbe", "startupProbe"],
        C::CommandNotFound => &["command", "args", "image"],
        C::ConfigMissing | C::Misconfiguration => &["env", "configMap", "secret", "command", "args"],
        C::CrashLoop | C::CodeError => &["image", "command", "args", "env"],
        _ => &[],
    }
}

/// The parts of `change` that fit `cause`: lines of its diff, or nothing when it only names the same things.
/// `None` when the change has nothing to do with it.
pub fn fits(cause: &Finding, change: &Finding, links: &Links) -> Option<Vec<String>> {
    let (Some(seen), false) = (change.seen.first(), cause.category == Category::BadChange) else { return None };
    let began = cause.since.or_else(|| cause.seen.iter().filter_map(|seen| seen.time).min());
    if let (Some(changed), Some(began)) = (seen.time, began)
        && changed.duration_since(began).as_secs() > CLOCKS_DIFFER_SECONDS
    {
        return None;
    }
    let fields = telling_fields(cause.category);
    let touched: Vec<String> = seen
        .excerpt
        .lines()
        .filter(|line| fields.iter().any(|field| line.contains(field)) && line.contains(" → "))
        .map(str::to_owned)
        .collect();
    if !touched.is_empty() && links.related(&cause.entity, &change.entity) {
        return Some(touched);
    }
    if comes_by_itself(cause.category) {
        return None;
    }
    let texts: Vec<&str> = change.seen.iter().flat_map(|seen| [seen.summary.as_str(), seen.excerpt.as_str()]).collect();
    let named = identifiers(cause).into_iter().any(|word| texts.iter().any(|text| text.contains(word)));
    named.then(Vec::new)
}

/// A fault that time, traffic or the surroundings bring about: a change that merely speaks of the same thing did not make it.
fn comes_by_itself(category: Category) -> bool {
    use Category as C;
    matches!(
        category,
        C::TlsCertificate | C::DiskFull | C::TrafficSurge | C::NodeNotReady | C::NodePressure | C::DataCorruption | C::RateLimited
    )
}

/// Words of a finding that name one particular thing: an object, a field, a collection; not ordinary words.
fn identifiers(cause: &Finding) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    let own_kind =
        ["NetworkPolicy", "ConfigMap", "Secret", "Ingress", "Service", "PersistentVolumeClaim"].contains(&cause.entity.kind.as_str());
    if own_kind && cause.entity.name.len() >= IDENTIFIER_LEAST {
        out.push(&cause.entity.name);
    }
    let words = cause.statement.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).map(|word| word.trim_matches('.'));
    out.extend(words.filter(|word| word.len() >= IDENTIFIER_LEAST && is_identifier(word)));
    out
}

/// `customerRef`, `DEPLOY_ENV`: written as a program writes names.
fn is_identifier(word: &str) -> bool {
    let camel = word.as_bytes().windows(2).any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    let snake = word.contains('_') && word.chars().any(|c| c.is_alphabetic());
    let kubernetes =
        ["CrashLoopBackOff", "OOMKilled", "NetworkPolicy", "ConfigMap", "StatefulSet", "DaemonSet", "ReplicaSet"].contains(&word);
    (camel || snake) && !kubernetes
}
