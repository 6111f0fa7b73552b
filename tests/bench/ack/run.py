#!/usr/bin/env python3
"""The acknowledging path: signed Slack deliveries at 200 a second and at saturation, on one core.

usage: tests/bench/ack/run.py [--binary target/release/sre-agent] [--tools DIR] [--rounds 1] [--secs 5]

Starts the release binary as it is shipped, with its worker and an empty store on this disk: every delivery is answered
after its record is on disk. Where the peers' folder is (`--tools`, or ../shared/tools/peers beside the repository, set up
by its setup.sh), @slack/bolt and slack_bolt run in the same race, which answer and record nothing; without it this fails
with a sentence, because the load generator is there, too. Prints one table: requests a second, p50 and p99, memory,
the time from the start to the first answer.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

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
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    return rows + [saturated(options, peers, folder, name, extra) for name in options.peers.split(",") for _ in range(options.rounds)]


def saturated(options, peers, folder, name, extra):
    """What bench.py does not measure: nothing but events over 64 connections, on the same cores, from a fresh start."""
    port, command, environment, place, core = extra.get(name) or {
        "bolt-js-1core": [3101, ["node", "receiver.mjs"], {"PORT": "3101", "NODE_ENV": "production"}, peers / "bolt-js", "0"],
        "bolt-py-1core": [3201, ["venv/bin/uvicorn", "receiver:api", "--host", "127.0.0.1", "--port", "3201", "--log-level", "error",
                                 "--no-access-log", "--loop", "uvloop", "--http", "httptools"], {}, peers / "bolt-py", "0"],
    }[name]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(["nice", "-n", "-15", "taskset", "-c", core, *command], cwd=place, env={**os.environ, **environment},
                              start_new_session=True, **quiet)
    try:
        time.sleep(3)
        load = ["nice", "-n", "-15", "taskset", "-c", "1", str(peers / "loadgen/target/release/slackload"), "--kind", "event"]
        load += ["--url", f"http://127.0.0.1:{port}/slack/events", "--conns", "64", "--secs", str(options.secs), "--warm", "1"]
        said = subprocess.run(load, check=True, capture_output=True, text=True).stdout
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    number = {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", said)}
    return {"peer": name, "kind": "event", "conns": 64, "rps": number["rps"], "p50": number["p50"], "p99": number["p99"],
            "non2xx": int(number["non2xx"]), "err": int(number["err"])}


def median(rows, field, **where):
    found = [row[field] for row in rows if all(row.get(key) == value for key, value in where.items()) and not row.get("dirty")]
    found = found or [row[field] for row in rows if all(row.get(key) == value for key, value in where.items())]
    return statistics.median(found) if found else float("nan")


def table(rows, names):
    def loaded(title, **where):
        return [
            (f"{title}, requests/s", lambda n: f"{median(rows, 'rps', peer=n, **where):,.0f}"),
            ("  p50 / p99, ms", lambda n: f"{median(rows, 'p50', peer=n, **where):.2f} / {median(rows, 'p99', peer=n, **where):.2f}"),
        ]

    def steady(kind):
        def cell(n):
            return f"{median(rows, 'p50', peer=n, kind=kind, rate=200):.2f} / {median(rows, 'p99', peer=n, kind=kind, rate=200):.2f}"

        return (f"200 {kind}s/s: p50 / p99, ms", cell)

    lines = [
        *loaded("events, 64 connections", kind="event", conns=64),
        *loaded("events, 32 connections", kind="event", conns=32),
        *loaded("commands, 32 connections", kind="slash", conns=32),
        *loaded("clicks, 32 connections", kind="action", conns=32),
        *loaded("all three mixed, 64 connections", kind="mix", conns=64),
        steady("event"),
        steady("slash"),
        steady("action"),
        ("memory idle → after load, MB", lambda n: f"{median(rows, 'rss_mb', peer=n, what='mem_idle'):.0f} → {median(rows, 'rss_mb', peer=n, what='mem_after_load'):.0f}"),
        ("first signed 200 after start, ms", lambda n: f"{median(rows, 'ms', peer=n, what='cold_start'):.0f}"),
        ("refused or failed requests", lambda n: f"{sum(row.get('non2xx', 0) + row.get('err', 0) for row in rows if row['peer'] == n)}"),
    ]
    print("one core for the server, one for the load; runs that other processes disturbed count only where there is no other")
    print(f"{'':44}" + "".join(f"{name:>18}" for name in names))
    for title, value in lines:
        print(f"{title:44}" + "".join(f"{value(name):>18}" for name in names))


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
