//! GitHub: deployments with their statuses, and commits, in pages by the Link header.

use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::common::{Backend, Req, Resp, Server, encode, fake_methods, lock, nanos, now_ns, parse_rfc3339, rfc3339};

pub struct GitHub {
    pub url: String,
    server: Server<State>,
}
fake_methods!(GitHub);

struct State {
    token: String,
    /// Repository, time and the object.
    deployments: Mutex<Vec<(String, i64, Value)>>,
    statuses: Mutex<Vec<(u64, i64, Value)>>,
    commits: Mutex<Vec<(String, i64, Value)>>,
    repos: Mutex<Vec<String>>,
}

impl GitHub {
    pub async fn start(token: &str) -> Self {
        let state = State {
            token: token.to_owned(),
            deployments: Mutex::default(),
            statuses: Mutex::default(),
            commits: Mutex::default(),
            repos: Mutex::default(),
        };
        let server = Server::start(state).await;
        Self { url: server.url.clone(), server }
    }

    /// A repository, `owner/name`, with nothing in it yet; the other methods make theirs.
    pub fn repo(&self, repo: &str) {
        lock(&self.server.state.repos).push(repo.to_owned());
    }

    pub fn deployment(&self, repo: &str, id: u64, sha: &str, reference: &str, environment: &str, created: Timestamp) {
        self.repo(repo);
        let (url, at) = (format!("{}/repos/{repo}/deployments/{id}", self.url), rfc3339(nanos(created)));
        let one = json!({"url": url, "id": id, "node_id": format!("D_{id}"), "task": "deploy", "original_environment": environment, "environment": environment, "description": null,
            "created_at": at, "updated_at": at, "statuses_url": format!("{url}/statuses"), "repository_url": format!("{}/repos/{repo}", self.url),
            "creator": {"login": "octocat", "id": 1, "type": "User"}, "sha": sha, "ref": reference, "payload": {}, "transient_environment": false, "production_environment": environment == "production"});
        lock(&self.server.state.deployments).push((repo.to_owned(), nanos(created), one));
    }

    /// `success`, `failure`, `error`, `inactive`, `in_progress`, `queued` or `pending`.
    pub fn status(&self, deployment: u64, state: &str, created: Timestamp) {
        let at = rfc3339(nanos(created));
        let one = json!({"id": nanos(created) % 1_000_000_007, "state": state, "creator": {"login": "octocat"}, "description": "", "environment": "production", "target_url": "",
            "created_at": at, "updated_at": at, "log_url": "", "environment_url": ""});
        lock(&self.server.state.statuses).push((deployment, nanos(created), one));
    }

    pub fn commit(&self, repo: &str, sha: &str, message: &str, author: &str, date: Timestamp) {
        self.repo(repo);
        let person = json!({"name": author, "email": format!("{author}@example.com"), "date": rfc3339(nanos(date))});
        let one = json!({"sha": sha, "node_id": "C_1", "url": format!("{}/repos/{repo}/commits/{sha}", self.url), "html_url": format!("https://github.com/{repo}/commit/{sha}"),
            "commit": {"author": person, "committer": person, "message": message, "comment_count": 0}, "author": {"login": author}, "committer": {"login": author}, "parents": []});
        lock(&self.server.state.commits).push((repo.to_owned(), nanos(date), one));
    }
}

fn error(status: u16, message: &str) -> Resp {
    Resp::json(status, &json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()}))
}

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        let reset = now_ns() / 1_000_000_000 + 30;
        match status {
            401 => error(401, "Bad credentials"),
            403 => error(403, "API rate limit exceeded for user ID 1.")
                .with("x-ratelimit-limit", 5000)
                .with("x-ratelimit-remaining", 0)
                .with("x-ratelimit-reset", reset),
            429 => error(429, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
                .with("retry-after", 2),
            404 => error(404, "Not Found"),
            status => error(status, "Server Error"),
        }
    }

    fn handle(&self, req: &Req) -> Resp {
        let segments = req.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["repos", owner, name, rest @ ..] = path.as_slice() else { return error(404, "Not Found") };
        if !matches!(rest, ["deployments" | "commits"] | ["deployments", _] | ["deployments", _, "statuses"]) {
            return error(404, "Not Found");
        }
        if !req.get() {
            return error(405, "Method Not Allowed");
        }
        if req.header("user-agent").is_none_or(str::is_empty) {
            return Resp::text(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.\n",
            );
        }
        let given = req.header("authorization").and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("token ")));
        if given != Some(self.token.as_str()) {
            return error(401, if given.is_some() { "Bad credentials" } else { "Requires authentication" });
        }
        let repo = format!("{owner}/{name}");
        if !lock(&self.repos).contains(&repo) {
            return error(404, "Not Found");
        }
        let limits = |resp: Resp| {
            resp.with("x-ratelimit-limit", 5000)
                .with("x-ratelimit-remaining", 4999)
                .with("x-ratelimit-reset", now_ns() / 1_000_000_000 + 3600)
        };
        match rest {
            ["deployments"] => {
                let wanted =
                    |one: &Value| ["sha", "ref", "task", "environment"].iter().all(|key| req.q(key).is_none_or(|text| one[*key] == text));
                let all = lock(&self.deployments)
                    .iter()
                    .filter(|(known, _, one)| *known == repo && wanted(one))
                    .map(|(_, ns, one)| (*ns, one.clone()))
                    .collect();
                limits(paged(req, all))
            }
            ["deployments", id, more @ ..] => {
                let found = lock(&self.deployments)
                    .iter()
                    .find(|(known, _, one)| *known == repo && one["id"].as_u64() == id.parse().ok())
                    .map(|(_, _, one)| one.clone());
                match found {
                    None => error(404, "Not Found"),
                    Some(one) if more.is_empty() => limits(Resp::json(200, &one)),
                    Some(_) => limits(paged(
                        req,
                        lock(&self.statuses)
                            .iter()
                            .filter(|(owner, ..)| owner.to_string() == *id)
                            .map(|(_, ns, one)| (*ns, one.clone()))
                            .collect(),
                    )),
                }
            }
            _ => {
                let time = |name: &str| {
                    req.q(name)
                        .map(|text| parse_rfc3339(text).ok_or_else(|| error(422, &format!("Invalid value for {name}: {text}"))))
                        .transpose()
                };
                let (since, until) = match (time("since"), time("until")) {
                    (Ok(since), Ok(until)) => (since.unwrap_or(i64::MIN), until.unwrap_or(i64::MAX)),
                    (Err(resp), _) | (_, Err(resp)) => return resp,
                };
                let all = lock(&self.commits)
                    .iter()
                    .filter(|(known, ns, _)| *known == repo && (since..=until).contains(ns))
                    .map(|(_, ns, one)| (*ns, one.clone()))
                    .collect();
                limits(paged(req, all))
            }
        }
    }
}

/// Newest first, at most 100 on a page.
fn paged(req: &Req, mut all: Vec<(i64, Value)>) -> Resp {
    all.sort_by_key(|(ns, _)| -ns);
    let number = |name: &str, default: usize| {
        req.q(name).and_then(|text| text.parse::<usize>().ok()).filter(|number| *number > 0).unwrap_or(default)
    };
    let (page, size) = (number("page", 1), number("per_page", 30).min(100));
    let last = all.len().div_ceil(size).max(1);
    let host = req.header("host").unwrap_or_default();
    let kept: String =
        req.query.iter().filter(|(name, _)| name != "page").map(|(name, value)| format!("{name}={}&", encode(value))).collect();
    let link = |rel: &str, page: usize| format!("<http://{host}{}?{kept}page={page}>; rel=\"{rel}\"", req.path);
    let mut links = Vec::new();
    if page > 1 {
        links.extend([link("prev", page - 1), link("first", 1)]);
    }
    if page < last {
        links.extend([link("next", page + 1), link("last", last)]);
    }
    let shown: Vec<Value> = all.into_iter().skip((page - 1).saturating_mul(size)).take(size).map(|(_, one)| one).collect();
    let resp = Resp::json(200, &json!(shown)).with("content-type", "application/json; charset=utf-8");
    if links.is_empty() { resp } else { resp.with("link", links.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::{
        super::common::client::{Got, call},
        *,
    };

    fn get(github: &GitHub, path: &str) -> Got {
        call(&github.url, "GET", path, &[("authorization", "Bearer t"), ("user-agent", "test")], "")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pages_and_refuses() {
        let github = GitHub::start("t").await;
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        for id in 1..=3 {
            github.deployment("shop/api", id, &format!("sha{id}"), "main", "production", at(id as i64 * 60));
            github.commit("shop/api", &format!("sha{id}"), "fix", "ann", at(id as i64 * 60));
        }
        github.status(3, "in_progress", at(181));
        github.status(3, "success", at(200));
        let (mut path, mut seen) = ("/repos/shop/api/deployments?per_page=2&environment=production".to_owned(), Vec::new());
        loop {
            let got = get(&github, &path);
            seen.extend(got.json().as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()));
            let next =
                got.header("link").and_then(|link| link.split(", ").find(|one| one.ends_with("rel=\"next\"")).map(ToOwned::to_owned));
            let Some(next) = next else { break };
            path = next.split(['<', '>']).nth(1).unwrap().strip_prefix(&github.url).unwrap().to_owned();
        }
        assert_eq!(seen, [3, 2, 1]);
        assert_eq!(get(&github, "/repos/shop/api/deployments/3/statuses").json()[0]["state"], "success");
        assert_eq!(
            get(&github, "/repos/shop/api/commits?since=2023-11-14T22:15:00Z&until=2023-11-14T22:15:30Z").json().as_array().unwrap().len(),
            1
        );
        assert_eq!(get(&github, "/repos/shop/api/commits?since=today").status, 422);
        for path in ["/repos/shop/nope/deployments", "/repos/shop/api/deployments/9/statuses", "/repos/shop/api/pulls", "/user"] {
            assert_eq!(get(&github, path).json()["message"], "Not Found");
        }
        assert_eq!(
            call(&github.url, "GET", "/repos/shop/api/commits", &[("authorization", "Bearer x"), ("user-agent", "t")], "").json()["message"],
            "Bad credentials"
        );
        assert_eq!(call(&github.url, "GET", "/repos/shop/api/commits", &[("authorization", "Bearer t")], "").status, 403);
        assert_eq!(call(&github.url, "POST", "/repos/shop/api/commits", &[], "").status, 405);
        github.fail_next(403, 1);
        assert_eq!(get(&github, "/repos/shop/api/commits").header("x-ratelimit-remaining"), Some("0"));
    }
}
