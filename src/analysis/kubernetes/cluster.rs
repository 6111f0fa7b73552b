//! The objects of the evidence, each once, with its events: the same object may be shown by several files in part.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::value::{int, list, text};
use crate::analysis::links::stem;
use crate::model::{
    Entity,
    observation::{Document, Event, LogStream, Object, Observations},
};

/// So many objects nobody picks by hand. Source: own choice; the smallest dump of a whole cluster at hand has some hundreds.
const LIVE_OBJECTS: usize = 40;

type Key = (String, String, String);

/// One object, put together from everything that shows it.
#[derive(Debug, Clone)]
pub struct Thing<'a> {
    pub kind: &'a str,
    pub namespace: String,
    pub name: &'a str,
    pub source: &'a str,
    pub body: Cow<'a, Value>,
    /// No source shows it whole: a missing field proves nothing.
    pub partial: bool,
}

impl Thing<'_> {
    pub fn entity(&self) -> Entity {
        Entity::new(self.kind, &self.namespace, self.name)
    }

    /// `ns/name`, or the name alone.
    pub fn path(&self) -> String {
        self.entity().path()
    }

    pub fn text(&self, path: &str) -> &str {
        text(&self.body, path)
    }

    pub fn int(&self, path: &str) -> Option<i64> {
        int(&self.body, path)
    }

    pub fn list(&self, path: &str) -> &[Value] {
        list(&self.body, path)
    }

    pub fn labels(&self) -> Option<&Value> {
        self.body.pointer("/metadata/labels")
    }

    pub fn is_going(&self) -> bool {
        self.body.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null())
    }
}

/// The state of a cluster as far as the evidence shows it.
#[derive(Debug, Default)]
pub struct Cluster<'a> {
    things: BTreeMap<Key, Thing<'a>>,
    events: BTreeMap<Key, Vec<&'a Event>>,
    /// Files that list whole objects, by the kinds that they list.
    listings: BTreeMap<&'a str, BTreeSet<&'a str>>,
    pub documents: &'a [Document],
    pub gaps: &'a [String],
    pub logs: &'a [LogStream],
    pub now: Option<Timestamp>,
    /// The newest instant at which something was created, and at which anything else happened.
    newest_creation: Option<Timestamp>,
    newest_happening: Option<Timestamp>,
}

impl<'a> Cluster<'a> {
    pub fn of(observations: &'a Observations, now: Option<Timestamp>) -> Self {
        let mut cluster =
            Self { documents: &observations.documents, gaps: &observations.gaps, logs: &observations.logs, now, ..Self::default() };
        let mut by_key: BTreeMap<Key, Vec<&'a Object>> = BTreeMap::new();
        for object in &observations.objects {
            cluster.newest_creation = cluster.newest_creation.max(text(&object.body, "/metadata/creationTimestamp").parse().ok());
            cluster.newest_happening = cluster.newest_happening.max(Self::newest_change(&object.body));
            if !object.partial {
                cluster.listings.entry(&object.source).or_default().insert(&object.kind);
            }
            by_key.entry((object.kind.clone(), object.namespace.clone(), object.name.clone())).or_default().push(object);
        }
        // A table of one namespace does not name it: such a row belongs to the object that has the name, when there is one.
        let nameless: Vec<Key> = by_key.keys().filter(|(_, namespace, _)| namespace.is_empty()).cloned().collect();
        for key in nameless {
            let mut same =
                by_key.keys().filter(|(kind, namespace, name)| *kind == key.0 && *name == key.2 && !namespace.is_empty()).cloned();
            if let (Some(full), None) = (same.next(), same.next())
                && let Some(objects) = by_key.remove(&key)
            {
                by_key.entry(full).or_default().extend(objects);
            }
        }
        for (key, objects) in by_key {
            if let Some(thing) = combine(objects, &key.1) {
                cluster.things.insert(key, thing);
            }
        }
        let mut seen = BTreeSet::new();
        for event in &observations.events {
            let same = (&event.entity, &event.reason, &event.message, event.last, event.age_seconds);
            if seen.insert(same) {
                cluster.events.entry(cluster.key_of(&event.entity)).or_default().push(event);
            }
        }
        for events in cluster.events.values_mut() {
            events.sort_by_key(|event| (event.last, std::cmp::Reverse(event.age_seconds)));
        }
        cluster
    }

    /// Events in texts may lack the kind or the namespace of their object.
    fn key_of(&self, entity: &Entity) -> Key {
        let exact = (entity.kind.clone(), entity.namespace.clone(), entity.name.clone());
        if self.things.contains_key(&exact) {
            return exact;
        }
        let mut fitting = self.things.keys().filter(|(kind, namespace, name)| {
            *name == entity.name
                && (entity.kind.is_empty() || *kind == entity.kind)
                && (entity.namespace.is_empty() || *namespace == entity.namespace)
        });
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => key.clone(),
            _ => exact,
        }
    }

    /// All objects of a kind, in the order of their names.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Thing<'a>> {
        let from = (kind.to_owned(), String::new(), String::new());
        let kind = kind.to_owned();
        self.things.range(from..).take_while(move |((found, _, _), _)| *found == kind).map(|(_, thing)| thing)
    }

    pub fn kinds(&self) -> BTreeSet<&str> {
        self.things.values().map(|thing| thing.kind).collect()
    }

    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Thing<'a>> {
        self.things.get(&(kind.to_owned(), namespace.to_owned(), name.to_owned()))
    }

    pub fn things(&self) -> impl Iterator<Item = &Thing<'a>> {
        self.things.values()
    }

    /// The events of an object, oldest first.
    pub fn events_of(&self, thing: &Thing<'_>) -> &[&'a Event] {
        self.events.get(&(thing.kind.to_owned(), thing.namespace.clone(), thing.name.to_owned())).map(Vec::as_slice).unwrap_or_default()
    }

    /// Events whose object is not in the evidence.
    pub fn orphan_events(&self) -> impl Iterator<Item = &&'a Event> {
        self.events.iter().filter(|(key, _)| !self.things.contains_key(*key)).flat_map(|(_, events)| events)
    }

    /// Events of one reason about an object, or about siblings of it that are gone: pods of one workload fail alike.
    pub fn events_like(&self, thing: &Thing<'_>, reason: &str) -> Option<&'a Event> {
        let own = self.events_of(thing).iter().rev().find(|event| event.reason == reason).copied();
        let near = |namespace: &str| namespace.is_empty() || thing.namespace.is_empty() || namespace == thing.namespace;
        own.or_else(|| {
            let mut events = self.orphan_events().filter(|event| event.reason == reason && near(&event.entity.namespace));
            events.find(|event| event.entity.name == stem(thing.name) || stem(&event.entity.name) == stem(thing.name)).copied()
        })
        .or_else(|| {
            let owners = ["Deployment", "ReplicaSet", "StatefulSet", "Job"].iter().flat_map(|kind| self.all(kind));
            let mut owners = owners.filter(|owner| owner.name == stem(thing.name) && near(&owner.namespace));
            owners.find_map(|owner| self.events_of(owner).iter().find(|event| event.reason == reason).copied())
        })
    }

    pub fn pods_selected<'s>(&'s self, namespace: &'s str, selector: &'s Value) -> impl Iterator<Item = &'s Thing<'a>> {
        self.all("Pod").filter(move |pod| pod.namespace == namespace && super::value::selects(selector, pod.labels()))
    }

    /// Whether an absent object of `kind` is proof that it does not exist. It is where that kind was collected, or where
    /// `by`, which refers to it, comes from one list that is all that was collected.
    pub fn proves_absence(&self, kind: &str, by: &Thing<'_>) -> bool {
        if by.partial {
            return false;
        }
        let listed = self.listings.values().any(|kinds| kinds.contains(kind));
        let mixed = self.listings.get(by.source).is_some_and(|kinds| kinds.len() > 1);
        listed || mixed || self.listings.len() == 1
    }

    /// The evidence is a dump of a cluster that lives, not a few objects picked by a person.
    pub fn is_live(&self) -> bool {
        self.things.len() >= LIVE_OBJECTS
    }

    /// False where "now" is no more than the time at which the newest object was made: then nothing is known to be young.
    pub fn now_is_known(&self) -> bool {
        self.now != self.newest_creation || self.newest_happening >= self.newest_creation
    }

    /// When an event was last seen, seconds before now.
    pub fn age_of(&self, event: &Event) -> Option<u64> {
        event.age_seconds.or_else(|| self.seconds_since(event.last.or(event.first)?))
    }

    /// Seconds from `at` to now; zero for the future.
    pub fn seconds_since(&self, at: Timestamp) -> Option<u64> {
        let now = self.now?;
        Some(u64::try_from(now.duration_since(at).as_secs()).unwrap_or(0))
    }

    /// First and last time of an event, reckoned from its age where it has no instant.
    pub fn times_of(&self, event: &Event) -> (Option<Timestamp>, Option<Timestamp>) {
        let by_age = event.age_seconds.and_then(|age| self.now?.checked_sub(SignedDuration::from_secs(i64::try_from(age).ok()?)).ok());
        (event.first.or(by_age), event.last.or(by_age))
    }

    /// How long an object exists, seconds.
    pub fn age_of_thing(&self, thing: &Thing<'_>) -> Option<u64> {
        if let Some(age) = thing.int("/ageSeconds") {
            return u64::try_from(age).ok();
        }
        let start =
            [thing.text("/metadata/creationTimestamp"), thing.text("/status/startTime")].iter().find_map(|text| text.parse().ok())?;
        self.seconds_since(start)
    }

    /// The newest instant that an object's body carries in its state; its creation counts too.
    pub fn newest_instant(body: &Value) -> Option<Timestamp> {
        Self::newest_change(body).max(text(body, "/metadata/creationTimestamp").parse().ok())
    }

    fn newest_change(body: &Value) -> Option<Timestamp> {
        let conditions = list(body, "/status/conditions").iter();
        let of_conditions =
            conditions.flat_map(|condition| [text(condition, "/lastHeartbeatTime"), text(condition, "/lastTransitionTime")]);
        let states = list(body, "/status/containerStatuses").iter().chain(list(body, "/status/initContainerStatuses")).flat_map(|status| {
            [
                text(status, "/state/running/startedAt"),
                text(status, "/state/terminated/finishedAt"),
                text(status, "/lastState/terminated/finishedAt"),
            ]
        });
        of_conditions.chain(states).filter_map(|text| text.parse().ok()).max()
    }
}

/// The fullest source first; the others fill in what it does not show.
fn combine<'a>(mut objects: Vec<&'a Object>, namespace: &str) -> Option<Thing<'a>> {
    objects.sort_by_key(|object| (object.partial, std::cmp::Reverse(fields(&object.body)), object.source.as_str()));
    let (best, others) = objects.split_first()?;
    let mut body = Cow::Borrowed(&best.body);
    for other in others {
        // Two whole copies are two moments, not two halves.
        if other.partial {
            fill(body.to_mut(), &other.body);
        }
    }
    Some(Thing { kind: &best.kind, namespace: namespace.to_owned(), name: &best.name, source: &best.source, body, partial: best.partial })
}

fn fields(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.values().map(fields).sum::<usize>() + map.len(),
        Value::Array(items) => items.iter().map(fields).sum(),
        _ => 0,
    }
}

fn fill(into: &mut Value, from: &Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        for (key, value) in from {
            match into.get_mut(key) {
                Some(known) if !known.is_null() => fill(known, value),
                _ => {
                    into.insert(key.clone(), value.clone());
                }
            }
        }
    }
}
