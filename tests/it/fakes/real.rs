//! Real servers on free ports of this machine: Prometheus and Alertmanager of Debian's packages, and a MongoDB-compatible one.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, extract::State, routing::get};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that ends with the test.
struct Server {
    child: Child,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(program: &Path, arguments: &[String], folder: TempDir) -> Server {
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let child = Command::new(program)
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    let child =
        child.unwrap_or_else(|error| panic!("{} cannot be started ({error}): `tests/run` installs what the tests need", program.display()));
    Server { child, folder }
}

/// Asks until `ready` is told; a server that is not ready in time is shown with its log.
async fn until_ready(server: &Server, url: &str) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if reqwest::get(url).await.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{url} is not ready: {}", fs::read_to_string(server.folder.path().join("log")).unwrap_or_default());
}

/// A Prometheus that scrapes what the test says.
pub struct Prometheus {
    pub url: String,
    said: Arc<Mutex<String>>,
    target: JoinHandle<()>,
    _server: Server,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.target.abort();
    }
}

impl Prometheus {
    /// `history` is OpenMetrics text with times, `rules` the rules of one group, `alertmanager` where alerts are sent.
    pub async fn start(history: &str, rules: &str, alertmanager: Option<&str>) -> Self {
        let said = Arc::new(Mutex::new(String::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target_address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/metrics", get(|State(said): State<Arc<Mutex<String>>>| async move { said.lock().unwrap().clone() }))
            .with_state(Arc::clone(&said));
        let target = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        if !history.is_empty() {
            let file = folder.path().join("history");
            fs::write(&file, history).unwrap();
            let made = Command::new("promtool").args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&file).arg(&data).output();
            let made =
                made.unwrap_or_else(|error| panic!("promtool cannot be started ({error}): `tests/run` installs what the tests need"));
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let alerting = alertmanager.map_or(String::new(), |address| {
            format!("alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n", address.trim_start_matches("http://"))
        });
        let config = format!(
            "global: {{scrape_interval: 200ms, evaluation_interval: 200ms}}\nrule_files: [rules.yaml]\n{alerting}scrape_configs: [{{job_name: test, honor_labels: true, static_configs: [{{targets: ['{target_address}']}}]}}]\n"
        );
        fs::write(folder.path().join("prometheus.yaml"), config).unwrap();
        fs::write(folder.path().join("rules.yaml"), format!("groups: [{{name: test, rules: [{rules}]}}]\n")).unwrap();
        let url = format!("http://127.0.0.1:{}", free_port());
        let arguments = [
            "--config.file=prometheus.yaml".to_owned(),
            format!("--storage.tsdb.path={}", data.display()),
            format!("--web.listen-address={}", url.trim_start_matches("http://")),
            "--storage.tsdb.retention.time=10y".to_owned(),
        ];
        let server = start(Path::new("prometheus"), &arguments, folder);
        until_ready(&server, &format!("{url}/-/ready")).await;
        Self { url, said, target, _server: server }
    }

    /// What the next scrapes see.
    pub fn says(&self, metrics: &str) {
        metrics.clone_into(&mut self.said.lock().unwrap());
    }
}

/// An Alertmanager that tells one webhook.
pub struct Alertmanager {
    pub url: String,
    _server: Server,
}

impl Alertmanager {
    pub async fn start(webhook: &str, token: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "route: {{receiver: ours, group_wait: 0s, group_interval: 1s, group_by: [alertname]}}\nreceivers: [{{name: ours, webhook_configs: [{{url: '{webhook}', http_config: {{authorization: {{credentials: {token}}}}}}}]}}]\n"
        );
        fs::write(folder.path().join("alertmanager.yaml"), config).unwrap();
        let url = format!("http://127.0.0.1:{}", free_port());
        let arguments = [
            "--config.file=alertmanager.yaml".to_owned(),
            format!("--storage.path={}", folder.path().join("data").display()),
            format!("--web.listen-address={}", url.trim_start_matches("http://")),
            "--cluster.listen-address=".to_owned(),
        ];
        let server = start(Path::new("prometheus-alertmanager"), &arguments, folder);
        until_ready(&server, &format!("{url}/-/ready")).await;
        Self { url, _server: server }
    }
}

/// A Redis without a disk.
pub struct Redis {
    pub url: String,
    _server: Server,
}

impl Redis {
    pub async fn start() -> Self {
        let port = free_port();
        let arguments = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"].map(str::to_owned);
        let server = start(Path::new("redis-server"), &arguments, tempfile::tempdir().unwrap());
        let began = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(
                began.elapsed() < PATIENCE,
                "it does not listen: {}",
                fs::read_to_string(server.folder.path().join("log")).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { url: format!("redis://127.0.0.1:{port}"), _server: server }
    }
}

/// Where `tests/run` puts the Python packages.
pub fn python(program: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tests-venv/bin").join(program);
    assert!(place.is_file(), "{} is missing: `tests/run` installs what the tests need", place.display());
    place
}

/// A server that speaks MongoDB's protocol, with an empty memory.
pub struct MongoCompatible {
    pub uri: String,
    _server: Server,
}

impl MongoCompatible {
    pub async fn start() -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let arguments =
            ["--db", "memory", "--host", "127.0.0.1", "-p", &port.to_string(), "--log-file", "server.log", "--pid-file", "server.pid"]
                .map(str::to_owned);
        let server = start(&python("nx-27017"), &arguments, folder);
        let began = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(
                began.elapsed() < PATIENCE,
                "it does not listen: {}",
                fs::read_to_string(server.folder.path().join("log")).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { uri: format!("mongodb://127.0.0.1:{port}/?directConnection=true"), _server: server }
    }
}
