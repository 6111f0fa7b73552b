//! The product's own figures: time to the first reply, time of an investigation, memory, size. `cargo bench` prints them.
//!
//! Not a test: it asserts nothing, because a figure of one machine is no truth on another.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sre_agent::{
    app::{App, Roles, random_ids, system_clock},
    config,
    sandbox::{Config, Sandbox},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How many alerts are answered, one after the other.
const ALERTS: usize = 30;
/// How many times each command is run; the median counts.
const RUNS: usize = 7;
const BINARY: &str = env!("CARGO_BIN_EXE_sre-agent");

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (first, report) = runtime.block_on(first_reply())?;
    println!("alert posted → first reply in its thread: median {first:.0} ms over {ALERTS} alerts");
    println!("alert posted → report in its thread:      median {report:.0} ms");
    println!("investigate, needle in 100,000 log lines: median {:.0} ms over {RUNS} runs", needle()?);
    println!("investigate, the demo bundle:             median {:.0} ms over {RUNS} runs", bundle()?);
    println!("serve, idle: {:.1} MB resident", idle_memory()?);
    println!("binary: {:.1} MB", fs::metadata(BINARY)?.len() as f64 / 1e6);
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn demo_bundle() -> String {
    format!("{}/config/bundles/memory-limit/bundle", env!("CARGO_MANIFEST_DIR"))
}

async fn first_reply() -> anyhow::Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    // Slack's own limit of one message a second and channel would be what is measured; each alert has its channel.
    let workspace = Config { channels: (0..ALERTS).map(|n| format!("alerts-{n}")).collect(), rate_limits: false, ..Config::default() };
    let (token, secret) = (workspace.bot_token.clone(), workspace.signing_secret.clone());
    let slack = Sandbox::new(workspace, system_clock());
    let page = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", page.local_addr()?);
    let stop = CancellationToken::new();
    tokio::spawn(slack.clone().serve(page, stop.clone().cancelled_owned()));
    let settings = folder.path().join("settings.yaml");
    let text = format!(
        "slack: {{api_url: '{url}/api', bot_token: {token}, signing_secret: {secret}, channel: C1}}\nstore: {{path: '{0}/store.db'}}\nevidence: {{bundle: '{1}'}}\nlog: error\n",
        folder.path().display(),
        demo_bundle()
    );
    fs::write(&settings, text)?;
    let settings = config::load(Some(&settings), &std::collections::BTreeMap::new())?;
    let app = App::build(settings, Roles { socket: false, worker: true }, system_clock(), random_ids()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let service = format!("http://{}", listener.local_addr()?);
    slack.set_app_urls(&format!("{service}/slack/events"), &format!("{service}/slack/interactions"), &format!("{service}/slack/commands"));
    tokio::spawn(app.run(Some(listener), stop.clone()));

    let (mut first, mut report) = (Vec::new(), Vec::new());
    for number in 0..ALERTS {
        let channel = slack.channel_id(&format!("alerts-{number}")).unwrap_or_default();
        let title = format!("[FIRING:1] KubePodCrashLooping{number} shop (checkout critical)");
        let alert = json!({"text": "", "attachments": [{"color": "danger", "title": title, "fallback": title}]});
        let start = Instant::now();
        let ts = slack.post_as_bot(&channel, "Alertmanager", alert).await?;
        for (replies, times) in [(1, &mut first), (2, &mut report)] {
            let mut version = slack.subscribe();
            while ours(&slack.thread(&channel, &ts)) < replies {
                version.changed().await?;
            }
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
    }
    stop.cancel();
    Ok((median(first), median(report)))
}

fn ours(thread: &[Value]) -> usize {
    thread.len().saturating_sub(1)
}

fn investigate(bundle: &Path, question: &str) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        let status = Command::new(BINARY)
            .arg("investigate")
            .arg("--bundle")
            .arg(bundle)
            .args(["--question", question])
            .stdout(Stdio::null())
            .status()?;
        anyhow::ensure!(status.success(), "investigate failed");
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(times))
}

fn needle() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut log = String::new();
    for line in 0..100_000u32 {
        let (minute, second) = (line / 60 % 60, line % 60);
        if line == 71_234 {
            writeln!(log, "2026-01-15T12:{minute:02}:{second:02}Z ERROR link: Peer down: 10.8.0.17 stopped answering after 3 keepalives")?;
        } else {
            writeln!(log, "2026-01-15T12:{minute:02}:{second:02}Z INFO worker-{} handled request {line} in {} ms", line % 16, line % 97)?;
        }
    }
    fs::write(folder.path().join("connector.log"), log)?;
    investigate(folder.path(), "Was there any 'Peer down' problem?")
}

fn bundle() -> anyhow::Result<f64> {
    investigate(Path::new(&demo_bundle()), "why does checkout restart?")
}

/// Resident memory of the service a moment after its start, without a bundle, in MB. Source: VmRSS of /proc.
fn idle_memory() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let settings = folder.path().join("settings.yaml");
    let text = format!(
        "server: {{listen: '127.0.0.1:0'}}\nslack: {{api_url: 'http://127.0.0.1:9/api', bot_token: xoxb-idle, signing_secret: '12345678', channel: C1}}\nstore: {{path: '{}/store.db'}}\nlog: error\n",
        folder.path().display()
    );
    fs::write(&settings, text)?;
    let mut service = Command::new(BINARY).args(["serve", "--config"]).arg(&settings).stderr(Stdio::null()).spawn()?;
    std::thread::sleep(Duration::from_secs(2));
    let status = fs::read_to_string(format!("/proc/{}/status", service.id()))?;
    service.kill()?;
    service.wait()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    Ok(kilobytes.unwrap_or(f64::NAN) / 1000.0)
}
