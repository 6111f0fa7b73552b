//! GitLab: deployments and commits of a project, in pages by `x-next-page`.

use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::common::{Backend, Req, Resp, Server, encode, fake_methods, lock, nanos, parse_rfc3339, rfc3339};

const STATUSES: &[&str] = &["created", "running", "success", "failed", "canceled", "blocked", "skipped"];

pub struct GitLab {
    pub url: String,
    server: Server<State>,
}
fake_methods!(GitLab);

struct Deployment {
    project: u64,
    created: i64,
    updated: i64,
    json: Value,
}

struct State {
    token: String,
    projects: Mutex<Vec<(u64, String)>>,
    deployments: Mutex<Vec<Deployment>>,
    commits: Mutex<Vec<(u64, i64, Value)>>,
}

impl GitLab {
    pub async fn start(token: &str) -> Self {
        let server = Server::start(State {
            token: token.to_owned(),
            projects: Mutex::default(),
            deployments: Mutex::default(),
            commits: Mutex::default(),
        })
        .await;
        Self { url: server.url.clone(), server }
    }

    /// A project by its number and its path, `group/name`.
    pub fn project(&self, id: u64, path: &str) {
        lock(&self.server.state.projects).push((id, path.to_owned()));
    }

    #[expect(clippy::too_many_arguments, reason = "a deployment has that many fields")]
    pub fn deployment(&self, project: u64, id: u64, sha: &str, environment: &str, status: &str, created: Timestamp, updated: Timestamp) {
        let (from, to) = (rfc3339(nanos(created)), rfc3339(nanos(updated)));
        let json = json!({"id": id, "iid": id, "ref": "main", "sha": sha, "status": status, "created_at": from, "updated_at": to,
            "environment": {"id": 1, "name": environment, "external_url": "https://shop.example.com"}, "user": {"id": 1, "username": "ann", "name": "Ann"},
            "deployable": {"id": id + 1000, "status": status, "name": "deploy", "ref": "main", "finished_at": to, "web_url": "https://gitlab.example.com/job",
                "commit": {"id": sha, "title": "fix", "author_name": "Ann", "created_at": from}}});
        lock(&self.server.state.deployments).push(Deployment { project, created: nanos(created), updated: nanos(updated), json });
    }

    pub fn commit(&self, project: u64, sha: &str, title: &str, author: &str, date: Timestamp) {
        let at = rfc3339(nanos(date));
        let short: String = sha.chars().take(8).collect();
        let one = json!({"id": sha, "short_id": short, "title": title, "message": title, "author_name": author, "author_email": format!("{author}@example.com"), "authored_date": at,
            "committer_name": author, "committed_date": at, "created_at": at, "parent_ids": [], "web_url": format!("https://gitlab.example.com/-/commit/{sha}")});
        lock(&self.server.state.commits).push((project, nanos(date), one));
    }
}

fn message(status: u16, text: &str) -> Resp {
    Resp::json(status, &json!({"message": text}))
}

fn invalid(text: &str) -> Resp {
    Resp::json(400, &json!({"error": text}))
}

fn time(req: &Req, name: &str) -> Result<Option<i64>, Resp> {
    req.q(name).map(|text| parse_rfc3339(text).ok_or_else(|| invalid(&format!("{name} is invalid")))).transpose()
}

fn choice<'a>(req: &'a Req, name: &str, known: &[&str], default: &'a str) -> Result<&'a str, Resp> {
    let given = req.q(name).unwrap_or(default);
    if known.contains(&given) { Ok(given) } else { Err(invalid(&format!("{name} does not have a valid value"))) }
}

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        match status {
            401 => message(401, "401 Unauthorized"),
            403 => Resp::json(
                403,
                &json!({"error": "insufficient_scope", "error_description": "The request requires higher privileges than provided by the access token.", "scope": "api read_api"}),
            ),
            429 => Resp::text(429, "Retry later\n").with("retry-after", 2).with("ratelimit-remaining", 0).with("ratelimit-limit", 60),
            status => message(status, &format!("{status} Internal Server Error")),
        }
    }

    fn handle(&self, req: &Req) -> Resp {
        let segments = req.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (project, commits) = match path.as_slice() {
            ["api", "v4", "projects", project, "deployments"] => (*project, false),
            ["api", "v4", "projects", project, "repository", "commits"] => (*project, true),
            _ => return Resp::json(404, &json!({"error": "404 Not Found"})),
        };
        if !req.get() {
            return Resp::json(405, &json!({"error": "405 Not Allowed"}));
        }
        if req.header("private-token").or_else(|| req.bearer()) != Some(self.token.as_str()) {
            return message(401, "401 Unauthorized");
        }
        let found = lock(&self.projects).iter().find(|(id, path)| id.to_string() == project || path == project).map(|(id, _)| *id);
        let Some(project) = found else { return message(404, "404 Project Not Found") };
        let answer = if commits { self.commits(req, project) } else { self.deployments(req, project) };
        answer.unwrap_or_else(|resp| resp)
    }
}

impl State {
    fn deployments(&self, req: &Req, project: u64) -> Result<Resp, Resp> {
        let order = choice(req, "order_by", &["id", "iid", "created_at", "updated_at", "finished_at", "ref"], "id")?;
        let sort = choice(req, "sort", &["asc", "desc"], "asc")?;
        let (after, before) = (time(req, "updated_after")?, time(req, "updated_before")?);
        if (after.is_some() || before.is_some()) != (order == "updated_at") {
            return Err(message(400, "400 Bad request - `updated_at` filter and `updated_at` sorting must be paired"));
        }
        let status = req.q("status").map(|_| choice(req, "status", STATUSES, "")).transpose()?;
        let mut found: Vec<(i64, Value)> = lock(&self.deployments)
            .iter()
            .filter(|one| {
                one.project == project
                    && after.is_none_or(|after| one.updated >= after)
                    && before.is_none_or(|before| one.updated <= before)
            })
            .filter(|one| {
                status.is_none_or(|status| one.json["status"] == status)
                    && req.q("environment").is_none_or(|name| one.json["environment"]["name"] == name)
            })
            .map(|one| {
                (
                    match order {
                        "updated_at" | "finished_at" => one.updated,
                        "created_at" => one.created,
                        _ => one.json["id"].as_i64().unwrap_or_default(),
                    },
                    one.json.clone(),
                )
            })
            .collect();
        found.sort_by_key(|(key, _)| if sort == "desc" { -key } else { *key });
        paged(req, found.into_iter().map(|(_, one)| one).collect())
    }

    fn commits(&self, req: &Req, project: u64) -> Result<Resp, Resp> {
        let (since, until) = (time(req, "since")?.unwrap_or(i64::MIN), time(req, "until")?.unwrap_or(i64::MAX));
        let mut found: Vec<(i64, Value)> = lock(&self.commits)
            .iter()
            .filter(|(id, ns, _)| *id == project && (since..=until).contains(ns))
            .map(|(_, ns, one)| (*ns, one.clone()))
            .collect();
        found.sort_by_key(|(ns, _)| -ns);
        paged(req, found.into_iter().map(|(_, one)| one).collect())
    }
}

fn paged(req: &Req, all: Vec<Value>) -> Result<Resp, Resp> {
    let number = |name: &str, default: usize| match req.q(name) {
        None => Ok(default),
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| invalid(&format!("{name} is invalid")))
            .and_then(|number| if number == 0 { Err(invalid(&format!("{name} does not have a valid value"))) } else { Ok(number) }),
    };
    let (page, size) = (number("page", 1)?, number("per_page", 20)?.min(100));
    let pages = all.len().div_ceil(size).max(1);
    let total = all.len();
    let next = if page < pages { (page + 1).to_string() } else { String::new() };
    let before = if page > 1 { (page - 1).to_string() } else { String::new() };
    let host = req.header("host").unwrap_or_default();
    let kept: String =
        req.query.iter().filter(|(name, _)| name != "page").map(|(name, value)| format!("{name}={}&", encode(value))).collect();
    let link = |rel: &str, page: &str| format!("<http://{host}{}?{kept}page={page}>; rel=\"{rel}\"", req.path);
    let mut links = vec![link("first", "1"), link("last", &pages.to_string())];
    if !next.is_empty() {
        links.push(link("next", &next));
    }
    let shown: Vec<Value> = all.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    Ok(Resp::json(200, &json!(shown))
        .with("x-page", page)
        .with("x-per-page", size)
        .with("x-next-page", next)
        .with("x-prev-page", before)
        .with("x-total", total)
        .with("x-total-pages", pages)
        .with("link", links.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::{
        super::common::client::{Got, call},
        *,
    };

    fn get(gitlab: &GitLab, path: &str) -> Got {
        call(&gitlab.url, "GET", &format!("/api/v4/projects/{path}"), &[("private-token", "t")], "")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pages_and_refuses() {
        let gitlab = GitLab::start("t").await;
        gitlab.project(7, "shop/api");
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        for id in 1..=3 {
            let second = id as i64 * 60;
            gitlab.deployment(
                7,
                id,
                &format!("sha{id}"),
                "production",
                if id == 2 { "failed" } else { "success" },
                at(second),
                at(second + 30),
            );
            gitlab.commit(7, &format!("sha{id}"), "fix", "ann", at(second));
        }
        let base =
            "shop%2Fapi/deployments?updated_after=2023-11-14T22:13:20Z&order_by=updated_at&sort=desc&per_page=2&environment=production";
        let first = get(&gitlab, base);
        assert_eq!((first.json()[0]["id"].as_u64(), first.header("x-next-page")), (Some(3), Some("2")));
        let second = get(&gitlab, &format!("{base}&page=2"));
        assert_eq!((second.json()[0]["id"].as_u64(), second.header("x-next-page").unwrap_or_default()), (Some(1), ""));
        assert_eq!(get(&gitlab, "7/deployments?status=failed").json().as_array().unwrap().len(), 1);
        assert_eq!(get(&gitlab, "7/repository/commits?since=2023-11-14T22:15:00Z").json().as_array().unwrap().len(), 2);
        for (path, status) in [
            ("7/deployments?updated_after=2023-11-14T22:13:20Z", 400),
            ("7/deployments?status=ok", 400),
            ("7/deployments?page=x", 400),
            ("7/repository/commits?since=x", 400),
            ("8/deployments", 404),
            ("7/nope", 404),
        ] {
            assert_eq!(get(&gitlab, path).status, status, "{path}");
        }
        assert_eq!(call(&gitlab.url, "GET", "/api/v4/projects/7/deployments", &[], "").json()["message"], "401 Unauthorized");
        assert_eq!(call(&gitlab.url, "POST", "/api/v4/projects/7/deployments", &[], "").status, 405);
        gitlab.fail_next(429, 1);
        assert_eq!(get(&gitlab, "7/deployments").header("retry-after"), Some("2"));
    }
}
