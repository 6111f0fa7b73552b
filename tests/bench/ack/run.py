#!/usr/bin/env python3
"""The acknowledging path: signed Slack deliveries at 200 a second and at saturation, on one core.

usage: tests/bench/ack/run.py [--binary target/release/sre-agent] [--tools DIR] [--rounds 1] [--secs 5]

Starts the release binary as it is shipped, with its worker and an empty store on this disk: every delivery is answered
after its record is on disk. Where the peers' folder is (`--tools`, or ../shared/tools/peers beside the repository, set up
by its setup.sh), @slack/bolt and slack_bolt run in the same race, which answer and record nothing; without it this fails
with a sentence, because the load generator is there, too. Prints one table: requests a second, p50 and p99, memory.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
PORT = 3300


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/release/sre-agent")
    parser.add_argument("--tools", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--secs", type=float, default=5)
    parser.add_argument("--peers", default="sre-agent,bolt-js-1core,bolt-py-1core", help="which of the racers run")
    return parser.parse_args()


def peers_folder(given):
    """The race's own scripts; they are not part of this repository."""
    places = [given] if given else [ROOT / up / "shared/tools/peers" for up in ("..", "../..")]
    for place in places:
        if place and (place / "bench.py").is_file() and (place / "loadgen/target/release/slackload").is_file():
            return place
    sys.exit("no bench.py with a built loadgen found: give its folder with --tools, after its setup.sh ran")


def settings(folder):
    """A service that reaches no Slack: its worker works, and what it wants to post waits."""
    file = folder / "settings.yaml"
    file.write_text(
        f"server: {{listen: '127.0.0.1:{PORT}'}}\n"
        "slack: {api_url: 'http://127.0.0.1:9/api', bot_token: xoxb-bench, signing_secret: test-signing-secret, channel: C1}\n"
        f"store: {{path: '{folder}/store.db'}}\nlog: error\n"
    )
    return file


def race(options, peers, folder):
    results = folder / "results.jsonl"
    # Each start begins with an empty store, as the peers begin with nothing.
    start = f"rm -f {folder}/store.db*; exec {options.binary.resolve()} serve --config {settings(folder)}"
    extra = {"sre-agent": [PORT, ["sh", "-c", start], {}, str(folder), "0"]}
    command = [sys.executable, str(peers / "bench.py"), "--rounds", str(options.rounds), "--secs", str(options.secs)]
    command += ["--out", str(results), "--peers", options.peers]
    subprocess.run(command, env={**os.environ, "BENCH_EXTRA": json.dumps(extra)}, check=True, stdout=subprocess.DEVNULL)
    return [json.loads(line) for line in results.read_text().splitlines()]


def median(rows, field, **where):
    found = [row[field] for row in rows if all(row.get(key) == value for key, value in where.items()) and not row.get("dirty")]
    found = found or [row[field] for row in rows if all(row.get(key) == value for key, value in where.items())]
    return statistics.median(found) if found else float("nan")


def table(rows, names):
    lines = [
        ("events/s, 32 connections", lambda n: f"{median(rows, 'rps', peer=n, kind='event', conns=32):,.0f}"),
        ("  p50 / p99, ms", lambda n: f"{median(rows, 'p50', peer=n, kind='event', conns=32):.2f} / {median(rows, 'p99', peer=n, kind='event', conns=32):.2f}"),
        ("events, clicks and commands/s, 64", lambda n: f"{median(rows, 'rps', peer=n, kind='mix', conns=64):,.0f}"),
        ("  p50 / p99, ms", lambda n: f"{median(rows, 'p50', peer=n, kind='mix', conns=64):.2f} / {median(rows, 'p99', peer=n, kind='mix', conns=64):.2f}"),
        ("200 events/s: p50 / p99, ms", lambda n: f"{median(rows, 'p50', peer=n, kind='event', rate=200):.2f} / {median(rows, 'p99', peer=n, kind='event', rate=200):.2f}"),
        ("memory idle → after load, MB", lambda n: f"{median(rows, 'rss_mb', peer=n, what='mem_idle'):.0f} → {median(rows, 'rss_mb', peer=n, what='mem_after_load'):.0f}"),
        ("first signed 200 after start, ms", lambda n: f"{median(rows, 'ms', peer=n, what='cold_start'):.0f}"),
        ("refused or failed requests", lambda n: f"{sum(row.get('non2xx', 0) + row.get('err', 0) for row in rows if row['peer'] == n)}"),
    ]
    print("one core for the server, one for the load; runs that other processes disturbed count only where there is no other")
    print(f"{'':36}" + "".join(f"{name:>18}" for name in names))
    for title, value in lines:
        print(f"{title:36}" + "".join(f"{value(name):>18}" for name in names))


def main():
    options = arguments()
    if not options.binary.is_file():
        sys.exit(f"{options.binary} is missing: cargo build --release")
    peers = peers_folder(options.tools)
    with tempfile.TemporaryDirectory(prefix="ack-", dir=ROOT / "target") as folder:
        rows = race(options, peers, pathlib.Path(folder))
    table(rows, options.peers.split(","))


if __name__ == "__main__":
    main()
