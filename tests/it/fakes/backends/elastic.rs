//! Elasticsearch and OpenSearch: documents, searches, points in time, and their two kinds of refusal.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering as Memory},
    },
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    common::{Backend, Log, Req, Resp, Server, fake_methods, lock, millis_text},
    elastic_query::{Doc, Es, EsError, Kind, Mapping, flatten, text_of},
    elastic_search::{invalid, matching, set, time_value},
    words::glob,
};

const SEARCH_PARAMS: &[&str] = &[
    "ignore_unavailable",
    "allow_no_indices",
    "expand_wildcards",
    "timeout",
    "track_total_hits",
    "size",
    "from",
    "request_cache",
    "filter_path",
    "pretty",
    "human",
    "error_trace",
    "typed_keys",
    "preference",
    "routing",
    "rest_total_hits_as_int",
    "keep_alive",
    "format",
    "h",
    "s",
    "v",
    "bytes",
    "fields",
    "level",
    "local",
    "include_unmapped",
    "filters",
    "types",
    "wait_for_status",
    "master_timeout",
    "allow_partial_search_results",
];

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Flavour {
    Elasticsearch,
    OpenSearch,
}

#[derive(Debug, Clone)]
pub enum Auth {
    /// The base64 word after `ApiKey `.
    ApiKey(String),
    Basic(String, String),
}

pub struct Elastic {
    pub url: String,
    server: Server<State>,
}
fake_methods!(Elastic);

pub struct State {
    pub flavour: Flavour,
    auth: Auth,
    pub dynamic: AtomicBool,
    docs: Mutex<Vec<Doc>>,
    /// Indices that exist, and whether they may be read.
    indices: Mutex<BTreeMap<String, bool>>,
    pub pits: Mutex<BTreeMap<String, Vec<Doc>>>,
    pits_opened: AtomicUsize,
}

impl Elastic {
    pub async fn start(flavour: Flavour, auth: Auth) -> Self {
        let state = State {
            flavour,
            auth,
            dynamic: AtomicBool::new(false),
            docs: Mutex::default(),
            indices: Mutex::default(),
            pits: Mutex::default(),
            pits_opened: AtomicUsize::default(),
        };
        let server = Server::start(state).await;
        Self { url: server.url.clone(), server }
    }

    /// One ECS document in this index: `@timestamp`, `message`, `log.level`, `service.name`, and the labels as dotted fields.
    pub fn log(&self, index: &str, time: Timestamp, service: &str, severity: &str, body: &str, labels: &[(&str, &str)]) {
        let log = Log::new(time, service, severity, body, labels);
        let mut source =
            json!({"@timestamp": millis_text(log.ns), "message": body, "log": {"level": severity}, "service": {"name": service}});
        for (key, value) in labels {
            set(&mut source, key, json!(value));
        }
        self.put(index, source);
    }

    pub fn put(&self, index: &str, source: Value) {
        self.create(index);
        let mut docs = lock(&self.server.state.docs);
        let seq = docs.len();
        docs.push(Doc { index: index.to_owned(), id: format!("d{seq:06}"), seq, source });
    }

    /// An index without documents.
    pub fn create(&self, index: &str) {
        lock(&self.server.state.indices).entry(index.to_owned()).or_insert(true);
    }

    /// This index exists, and reading it is a 403.
    pub fn forbid(&self, index: &str) {
        lock(&self.server.state.indices).insert(index.to_owned(), false);
    }

    /// Strings become `text` with `.keyword`, as without an index template.
    pub fn dynamic_mapping(&self) {
        self.server.state.dynamic.store(true, Memory::Relaxed);
    }

    /// Every point in time is gone, as after its `keep_alive`.
    pub fn expire_pits(&self) {
        lock(&self.server.state.pits).clear();
    }

    pub fn open_pits(&self) -> usize {
        lock(&self.server.state.pits).len()
    }
}

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        let (kind, reason) = match status {
            401 => return self.unauthorized("/_search"),
            403 => ("security_exception", "action [indices:data/read/search] is unauthorized for this user"),
            429 => ("circuit_breaking_exception", "[parent] Data too large, data for [<http_request>] would be larger than the limit"),
            503 => ("cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master];"),
            _ => ("exception", "the fake was told to fail"),
        };
        self.branded(EsError::new(status, kind, reason).resp())
    }

    fn handle(&self, req: &Req) -> Resp {
        if !self.authorized(req) {
            return self.unauthorized(&req.path);
        }
        if !req.body.is_empty() && !req.has_type("application/json") {
            let given = req.header("content-type").unwrap_or_default();
            return self
                .branded(Resp::json(406, &json!({"error": format!("Content-Type header [{given}] is not supported"), "status": 406})));
        }
        self.branded(self.route(req).unwrap_or_else(|error| error.resp()))
    }
}

impl State {
    fn branded(&self, resp: Resp) -> Resp {
        if self.flavour == Flavour::Elasticsearch { resp.with("x-elastic-product", "Elasticsearch") } else { resp }
    }

    fn authorized(&self, req: &Req) -> bool {
        match &self.auth {
            Auth::ApiKey(key) => req.header("authorization").and_then(|value| value.strip_prefix("ApiKey ")) == Some(key),
            Auth::Basic(user, password) => req.basic().is_some_and(|given| given == (user.clone(), password.clone())),
        }
    }

    fn unauthorized(&self, path: &str) -> Resp {
        if self.flavour == Flavour::OpenSearch {
            return Resp::text(401, "Unauthorized").with("www-authenticate", "Basic realm=\"OpenSearch Security\"");
        }
        let mut error = EsError::new(401, "security_exception", format!("missing authentication credentials for REST request [{path}]"));
        error.more.insert("header".to_owned(), json!({"WWW-Authenticate": ["Basic realm=\"security\", charset=\"UTF-8\"", "ApiKey"]}));
        self.branded(error.resp().with("www-authenticate", "ApiKey"))
    }

    fn route(&self, req: &Req) -> Es<Resp> {
        let segments = req.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let es = self.flavour == Flavour::Elasticsearch;
        let read: &[&str] = &["GET", "POST"];
        let (methods, answer): (&[&str], &dyn Fn() -> Es<Value>) = match path.as_slice() {
            [] => (&["GET"], &|| Ok(self.version())),
            ["_cluster", "health"] => (&["GET"], &|| Ok(self.health())),
            ["_cat", "indices"] if req.q("format") != Some("json") => {
                return Ok(Resp::text(
                    200,
                    lock(&self.indices).keys().map(|name| format!("green open {name} u 1 0\n")).collect::<String>(),
                ));
            }
            ["_cat", "indices", ..] => (&["GET"], &|| self.cat(path.get(2).copied().unwrap_or("*"), req)),
            ["_pit"] if es => (&["DELETE"], &|| self.close_pit(req)),
            ["_search", "point_in_time"] if !es => (&["DELETE"], &|| self.close_pit(req)),
            ["_search"] => (read, &|| self.search("_all", req, true)),
            [index, "_search"] => (read, &|| self.search(index, req, false)),
            [index, "_pit"] if es => (&["POST"], &|| self.open_pit(index, req)),
            [index, "_search", "point_in_time"] if !es => (&["POST"], &|| self.open_pit(index, req)),
            [index, "_count"] => (read, &|| self.count(index, req)),
            ["_field_caps"] => (read, &|| self.field_caps("_all", req)),
            [index, "_field_caps"] => (read, &|| self.field_caps(index, req)),
            _ => {
                let message = format!("no handler found for uri [{}] and method [{}]", req.path, req.method);
                return Ok(Resp::json(404, &json!({"error": message, "status": 404})));
            }
        };
        if !methods.contains(&req.method.as_str()) {
            let message =
                format!("Incorrect HTTP method for uri [{}] and method [{}], allowed: [{}]", req.path, req.method, methods.join(", "));
            return Ok(Resp::json(405, &json!({"error": message, "status": 405})).with("allow", methods.join(",")));
        }
        if let Some((bad, _)) = req.query.iter().find(|(name, _)| !SEARCH_PARAMS.contains(&name.as_str())) {
            return Err(EsError::illegal(format!("request [{}] contains unrecognized parameter: [{bad}]", req.path)));
        }
        answer().map(|body| Resp::json(200, &body))
    }

    fn version(&self) -> Value {
        let version = match self.flavour {
            Flavour::Elasticsearch => {
                json!({"number": "8.15.3", "build_flavor": "default", "build_type": "docker", "lucene_version": "9.11.1", "minimum_wire_compatibility_version": "7.17.0"})
            }
            Flavour::OpenSearch => {
                json!({"distribution": "opensearch", "number": "2.17.1", "build_type": "tar", "lucene_version": "9.11.1", "minimum_wire_compatibility_version": "7.10.0"})
            }
        };
        let tagline =
            if self.flavour == Flavour::OpenSearch { "The OpenSearch Project: https://opensearch.org/" } else { "You Know, for Search" };
        json!({"name": "n1", "cluster_name": "fake", "cluster_uuid": "Zk1YqWqHQ0i3", "version": version, "tagline": tagline})
    }

    fn health(&self) -> Value {
        let shards = lock(&self.indices).len();
        json!({"cluster_name": "fake", "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1, "active_primary_shards": shards,
            "active_shards": shards, "relocating_shards": 0, "initializing_shards": 0, "unassigned_shards": 0, "delayed_unassigned_shards": 0,
            "number_of_pending_tasks": 0, "number_of_in_flight_fetch": 0, "task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0})
    }

    fn cat(&self, pattern: &str, req: &Req) -> Es<Value> {
        let (names, docs) = (self.resolve(pattern, req)?, lock(&self.docs));
        let row = |name: &String| {
            let count = docs.iter().filter(|doc| doc.index == *name).count().to_string();
            json!({"health": "green", "status": "open", "index": name, "uuid": "u1", "pri": "1", "rep": "0", "docs.count": count, "docs.deleted": "0",
                "store.size": "5kb", "pri.store.size": "5kb"})
        };
        Ok(names.iter().map(row).collect())
    }

    fn resolve(&self, pattern: &str, req: &Req) -> Es<Vec<String>> {
        let indices = lock(&self.indices).clone();
        let mut names = Vec::new();
        for part in pattern.split(',') {
            let part = if part == "_all" { "*" } else { part };
            let found: Vec<&String> = indices
                .iter()
                .filter(|(name, readable)| glob(part, name) && (**readable || !part.contains('*')))
                .map(|(name, _)| name)
                .collect();
            let lenient = part.contains('*') && req.q("allow_no_indices") != Some("false") || req.q("ignore_unavailable") == Some("true");
            if found.is_empty() && !lenient {
                let mut error = EsError::new(404, "index_not_found_exception", format!("no such index [{part}]"));
                let more = json!({"resource.type": "index_or_alias", "resource.id": part, "index_uuid": "_na_", "index": part});
                error.more = more.as_object().cloned().unwrap_or_default();
                return Err(error);
            }
            if let Some(name) = found.iter().find(|name| indices.get(name.as_str()) == Some(&false)) {
                let reason = match self.flavour {
                    Flavour::Elasticsearch => format!(
                        "action [indices:data/read/search] is unauthorized for user [fake] on indices [{name}], this action is granted by the index privileges [read,all]"
                    ),
                    Flavour::OpenSearch => {
                        "no permissions for [indices:data/read/search] and User [name=fake, backend_roles=[], requestedTenant=null]"
                            .to_owned()
                    }
                };
                return Err(EsError::new(403, "security_exception", reason));
            }
            names.extend(found.into_iter().cloned());
        }
        Ok(names)
    }

    pub fn read(&self, pattern: &str, req: &Req) -> Es<Vec<Doc>> {
        let names = self.resolve(pattern, req)?;
        Ok(lock(&self.docs).iter().filter(|doc| names.contains(&doc.index)).cloned().collect())
    }

    pub fn body(req: &Req) -> Es<Map<String, Value>> {
        if req.body.is_empty() {
            return Ok(Map::new());
        }
        let value = req.json().map_err(|error| EsError::new(400, "x_content_parse_exception", format!("[1:1] {error}")))?;
        value.as_object().cloned().ok_or_else(|| EsError::parsing("Expected [START_OBJECT] but found [VALUE]"))
    }

    fn keep_alive(req: &Req) -> Es<()> {
        let given = req.q("keep_alive").ok_or_else(|| invalid("keep alive not specified"))?;
        time_value("keep_alive", &json!(given))
    }

    fn open_pit(&self, index: &str, req: &Req) -> Es<Value> {
        Self::keep_alive(req)?;
        let docs = self.read(index, req)?;
        let id = format!("46ToAwMDaWR5BXV1aWQ{:04}", self.pits_opened.fetch_add(1, Memory::Relaxed));
        lock(&self.pits).insert(id.clone(), docs);
        let shards = json!({"total": 1, "successful": 1, "skipped": 0, "failed": 0});
        Ok(match self.flavour {
            Flavour::Elasticsearch => json!({"id": id, "_shards": shards}),
            Flavour::OpenSearch => json!({"pit_id": id, "_shards": shards, "creation_time": 1_700_000_000_000_i64}),
        })
    }

    fn close_pit(&self, req: &Req) -> Es<Value> {
        let body = Self::body(req)?;
        let key = if self.flavour == Flavour::Elasticsearch { "id" } else { "pit_id" };
        let given = body.get(key).ok_or_else(|| invalid(&format!("no {key} specified")))?;
        let ids: Vec<String> = given.as_array().map_or_else(|| vec![text_of(given)], |all| all.iter().map(text_of).collect());
        let freed: Vec<bool> = ids.iter().map(|id| lock(&self.pits).remove(id).is_some()).collect();
        Ok(match self.flavour {
            Flavour::Elasticsearch => json!({"succeeded": true, "num_freed": freed.iter().filter(|yes| **yes).count()}),
            Flavour::OpenSearch => {
                json!({"pits": ids.iter().zip(freed).map(|(id, done)| json!({"successful": done, "pit_id": id})).collect::<Vec<_>>()})
            }
        })
    }

    fn count(&self, index: &str, req: &Req) -> Es<Value> {
        let body = Self::body(req)?;
        if let Some(bad) = body.keys().find(|key| *key != "query") {
            return Err(EsError::parsing(format!("request does not support [{bad}]")));
        }
        let docs = self.read(index, req)?;
        let found = matching(&Mapping::new(&docs, self.dynamic.load(Memory::Relaxed)), body.get("query"))?.len();
        Ok(json!({"count": found, "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0}}))
    }

    fn field_caps(&self, index: &str, req: &Req) -> Es<Value> {
        let body = Self::body(req)?;
        let listed = body
            .get("fields")
            .map(|given| given.as_array().map_or_else(|| vec![text_of(given)], |all| all.iter().map(text_of).collect::<Vec<_>>()));
        let wanted = listed.or_else(|| req.q("fields").map(|text| text.split(',').map(ToOwned::to_owned).collect()));
        let wanted: Vec<String> = wanted.ok_or_else(|| invalid("no fields specified"))?;
        let docs = self.read(index, req)?;
        let mapping = Mapping::new(&docs, self.dynamic.load(Memory::Relaxed));
        let mut leaves = Vec::new();
        docs.iter().for_each(|doc| flatten("", &doc.source, &mut leaves));
        let mut names: BTreeSet<String> = leaves.into_iter().map(|(name, _)| name).collect();
        if mapping.dynamic {
            let texts: Vec<_> =
                names.iter().filter(|name| mapping.kind(name) == Some(Kind::Text)).map(|name| format!("{name}.keyword")).collect();
            names.extend(texts);
        }
        let mut fields = Map::new();
        for name in names.into_iter().filter(|name| wanted.iter().any(|one| glob(one, name))) {
            let Some(kind) = mapping.kind(&name) else { continue };
            let word = format!("{kind:?}").to_lowercase();
            let caps = json!({"type": word, "metadata_field": false, "searchable": true, "aggregatable": kind != Kind::Text});
            fields.insert(name, Value::Object(Map::from_iter([(word, caps)])));
        }
        let indices: BTreeSet<&String> = docs.iter().map(|doc| &doc.index).collect();
        Ok(json!({"indices": indices, "fields": fields}))
    }
}

#[cfg(test)]
#[path = "elastic_tests.rs"]
mod tests;
