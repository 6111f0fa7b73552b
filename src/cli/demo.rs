//! `sre-agent demo`: the whole product on this machine: a local Slack workspace, an alert, its report.

mod scenario;
mod thread;

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use tokio_util::sync::CancellationToken;

use super::runtime::{bind, block_on, stop_signal};
use crate::{
    app::{App, Roles, Watch, random_ids, system_clock},
    auth::{Access, AccessConfig},
    config, inbound, notify, pipeline, runbooks, sandbox,
    sandbox::Sandbox,
    slack::Connection,
    telemetry,
    tools::Sources,
};
use scenario::Scenario;

/// Where the browser page is when nobody says otherwise.
const PORT: u16 = 3980;
/// How long `--once` waits for the report.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
#[command(after_help = "Open the printed address in a browser: the alert, the card with its buttons and the report are in the thread.")]
pub struct Args {
    /// Print the thread as text and exit
    #[arg(long)]
    once: bool,
    /// Which example to play; `list` names them
    #[arg(long, value_name = "NAME", default_value = scenario::FIRST)]
    scenario: String,
    /// The port of the browser page; 0 takes a free one [default: 3980]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.scenario == "list" {
        super::print(&format!("{}\n", Scenario::names().join("\n")))?;
        return Ok(ExitCode::SUCCESS);
    }
    telemetry::start_logging("error");
    block_on(play(args))
}

async fn play(args: Args) -> anyhow::Result<ExitCode> {
    let clock = system_clock();
    let scenario = Scenario::unpack(&args.scenario, clock.now())?;
    let stop = stop_signal()?;

    let page = page_listener(&args).await?;
    let page_url = format!("http://{}", page.local_addr()?);
    let service = bind(SocketAddr::from(([127, 0, 0, 1], 0)), "--port").await?;
    let service_url = format!("http://{}", service.local_addr()?);

    let workspace = sandbox::Config::default();
    let settings = settings(&scenario, &workspace, &page_url)?;
    let slack = Sandbox::new(workspace, clock.clone());
    slack.set_base_url(&page_url);
    slack.set_app_urls(
        &format!("{service_url}/slack/events"),
        &format!("{service_url}/slack/interactions"),
        &format!("{service_url}/slack/commands"),
    );
    let serving = tokio::spawn(slack.clone().serve(page, stop.clone().cancelled_owned()));

    let channel = slack.channel_id("alerts").context("the sandbox has no channel #alerts")?;
    let pipeline = pipeline::Settings { channel: channel.clone(), ..settings.pipeline };
    let settings = config::Settings { pipeline, ..settings };
    let app = App::build(settings, Roles { socket: false, worker: true }, clock, random_ids()).await?;
    let watch = app.watch();
    let running = tokio::spawn(app.run(Some(service), stop.clone()));

    let ts = slack.post_as_bot(&channel, &scenario.bot_name, scenario.message.clone()).await?;
    if args.once {
        wait_until_settled(&slack, &watch).await?;
        super::print(&thread::text(&slack.thread(&channel, &ts)))?;
    } else {
        println!(
            "sre-agent demo, example `{}`\n\n  the workspace  {page_url}/#/{channel}/{ts}\n  the console    {service_url}/\n  the API        {service_url}/docs\n\nCtrl-C stops it.",
            args.scenario
        );
        stop.cancelled().await;
    }
    finish(stop, running, serving).await
}

async fn page_listener(args: &Args) -> anyhow::Result<tokio::net::TcpListener> {
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    match args.port {
        Some(port) => bind(local(port), "--port").await,
        None if args.once => bind(local(0), "--port").await,
        // Nobody asked for this very port: when it is taken, another one is as good.
        None => match bind(local(PORT), "--port").await {
            Ok(listener) => Ok(listener),
            Err(_) => bind(local(0), "--port").await,
        },
    }
}

fn settings(scenario: &Scenario, workspace: &sandbox::Config, page_url: &str) -> anyhow::Result<config::Settings> {
    Ok(config::Settings {
        sources: Sources::default(),
        redis: None,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        public_url: None,
        slack: config::Slack {
            delivery: config::Delivery::Events,
            connection: Connection::new(&format!("{page_url}/api"), None).map_err(anyhow::Error::msg)?,
            bot_token: workspace.bot_token.clone().into(),
            signing_secret: workspace.signing_secret.clone().into(),
            app_token: None,
            workspaces: std::collections::BTreeMap::new(),
            oauth: None,
        },
        api_token: None,
        store_path: scenario.folder().join("store.db"),
        bundle: Some(scenario.bundle()),
        inbound: inbound::Config::default(),
        pipeline: pipeline::Settings::default(),
        notify: notify::Config::default(),
        log: "error".to_owned(),
        rules: config::load_rules(None)?,
        access: Access::new(AccessConfig::default()).map_err(|problems| anyhow::anyhow!("{problems:?}"))?,
        tokens: config::Tokens::default(),
        marks: std::collections::BTreeMap::new(),
        calling: config::Calling::default(),
        redact_emails: false,
        actions: runbooks::Reach::default(),
        terms: runbooks::Terms::default(),
    })
}

async fn wait_until_settled(slack: &Sandbox, watch: &Watch) -> anyhow::Result<()> {
    let mut version = slack.subscribe();
    let waiting = async {
        while !watch.settled().await? {
            // Either something changes in the workspace, or the store gets there without a visible change.
            let _ = tokio::time::timeout(Duration::from_millis(100), version.changed()).await;
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(done) => done,
        Err(_) => bail!("no report after {} s", PATIENCE.as_secs()),
    }
}

async fn finish(
    stop: CancellationToken,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
) -> anyhow::Result<ExitCode> {
    stop.cancel();
    running.await.context("the service died")??;
    // The page may hold a live connection open; it ends with the process.
    serving.abort();
    Ok(ExitCode::SUCCESS)
}
