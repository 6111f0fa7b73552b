//! What a diff stops keeping, keeps for longer, or trusts to be there: loading ahead and caches, locks and transactions, guards.

use super::{
    diff::Hunk,
    effect::{Effect, is_talk, short, similar},
};

/// Words by which programs load ahead, in one go, or keep what they loaded.
const SAVINGS: &[&str] = &[
    "select_related",
    "prefetch_related",
    "joinedload",
    "selectinload",
    "subqueryload",
    ".includes(",
    ".include(",
    "eager_load",
    "preload",
    "join fetch",
    "@entitygraph",
    "@batchsize",
    "->with(",
    "dataloader",
    "loadmany",
    "getorload",
    "get_or_load",
    "cache.get",
    "cache.fetch",
    "cache.remember",
    "cache::remember",
    "cached(",
    "lru_cache",
    "@cacheable",
    "@cached",
    "memoize",
    "ets.lookup",
    "singleflight",
    "getorset",
    "getorcreate",
    "computeifabsent",
    "proxy_cache ",
];

/// Words by which programs hold something against others.
const LOCKS: &[&str] = &[
    "@transactional",
    "synchronized",
    ".lock(",
    ".rlock(",
    ".acquire(",
    "for update",
    "lock table",
    "transaction do",
    ".transaction(",
    "begintransaction",
    "begin transaction",
    "transaction.atomic",
    "with_lock",
    "withlock",
    "lock(",
    "._lock:",
    "mutex",
    "isolation",
];

/// Words by which a line allows for something that is not there.
const GUARDS: &[&str] = &[
    "?.",
    "??",
    "&.",
    "|| {}",
    "|| []",
    "getordefault",
    "unwrap_or",
    "orelse",
    "getorelse",
    "coalesce",
    ".dig(",
    ".get(",
    "ofnullable",
    ".fetch(",
    "?:",
];

/// Loading ahead and caches that went.
pub fn savings(hunk: &Hunk<'_>, out: &mut Vec<Effect>) {
    let added = lower(hunk.added());
    for line in hunk.removed().filter(|line| !is_talk(line.trim())) {
        let low = line.to_lowercase();
        if SAVINGS.iter().any(|word| low.contains(word) && !added.contains(word)) {
            out.push(Effect::SavingRemoved { what: short(line.trim()), file: hunk.file.to_owned() });
        }
    }
}

/// Locks and transactions that came, or whose end moved behind more work.
pub fn locks(hunk: &Hunk<'_>, out: &mut Vec<Effect>) {
    let removed = lower(hunk.removed());
    let added = lower(hunk.added());
    let count = |text: &str| LOCKS.iter().map(|word| text.matches(word).count()).max().unwrap_or(0);
    let deferred = |text: &str| text.contains("defer ") && text.contains("unlock(");
    // Taken once and kept, where it was taken for single steps; or given back only at the end of the function.
    let widened =
        count(&added) > 0 && count(&removed) > count(&added) || deferred(&added) && removed.contains("unlock(") && !deferred(&removed);
    let taken = |line: &&str| {
        let low = line.to_lowercase();
        !is_talk(line.trim()) && LOCKS.iter().any(|word| low.contains(word) && (widened || !removed.contains(word)))
    };
    if let Some(line) = hunk.added().find(taken) {
        out.push(Effect::HeldLonger { what: short(line.trim()), file: hunk.file.to_owned() });
    }
}

/// Lines that said the same and allowed for a missing value before.
pub fn guards(hunk: &Hunk<'_>, out: &mut Vec<Effect>) {
    let has = |line: &str| GUARDS.iter().any(|word| line.to_lowercase().contains(word));
    let gone = |line: &&str| has(line) && !is_talk(line.trim()) && hunk.added().any(|new| !has(new) && similar(line, new));
    if let Some(line) = hunk.removed().find(gone) {
        out.push(Effect::CheckRemoved { check: short(line.trim()), file: hunk.file.to_owned() });
    }
}

fn lower<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.filter(|line| !is_talk(line.trim())).map(str::to_lowercase).collect::<Vec<_>>().join("\n")
}
