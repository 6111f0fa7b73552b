//! The console in Debian's chromium: every page at two sizes and in two themes, without scripts too, and nothing that spills over.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::process::Command;

use crate::{acts::reported, world::World};

const PAGES: [&str; 8] =
    ["/incidents", "/incidents/INC-1", "/incidents?text=nothing-has-this", "/approvals", "/agents", "/accuracy", "/audit", "/sign-in"];
/// How long the browser may take for all pages on a slow machine.
const PATIENCE: Duration = Duration::from_secs(240);

#[tokio::test]
async fn the_pages_are_whole_in_a_real_browser() {
    let world = World::usual().await;
    reported(&world).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    for more in [None, Some("--no-script")] {
        let mut command = Command::new("python3");
        command.arg(root.join("tests/browser/browser.py")).args(["--base", &world.service_url, "--out"]).arg(&pictures);
        command.args(more).args(PAGES).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let running = tokio::time::timeout(PATIENCE, command.output());
        let output = running.await.expect("the browser is done in time").expect("python3 is there");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "`tests/run` installs chromium; the browser says:\n{said}");
        assert!(said.contains(&format!("{} pages, 0 problems", PAGES.len())), "{said}");
    }
}
