#!/usr/bin/env python3
"""Open pages in Debian's chromium at two sizes and two themes: accessibility, overflow, console errors, pictures.

    tests/browser.py --base http://127.0.0.1:8080 --cookie session=… --axe axe.min.js --out pictures /incidents /audit

Only the standard library is needed. Without --axe the accessibility check is left out. --serve DIR serves a folder of
pages on 127.0.0.1 under the console's policy (DIR/policy.txt) and opens each of them. --no-script opens the pages with
scripts switched off. The exit code is 0 when nothing was found, 1 when something was, 2 when the browser failed.
"""

import argparse
import base64
import http.server
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

SIZES = [("desktop", 1280, 900), ("phone", 390, 844)]
# The narrowest width that a page must fit: 320 px, WCAG 2.2 criterion 1.4.10.
NARROWEST = 320
# One answer of the browser; axe takes about two seconds on a long page.
ANSWER_SECONDS = 60
# One message of the browser: a whole-page picture, in base64.
MESSAGE_MAX = 64 * 1024 * 1024


class Socket:
    """The part of RFC 6455 that a client of a local browser needs."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=ANSWER_SECONDS)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.stream = self.socket.makefile("rb")
        status = self.stream.readline()
        if b" 101 " not in status:
            raise ConnectionError(f"the browser refuses the socket: {status!r}")
        while self.stream.readline() not in (b"\r\n", b""):
            pass

    def send(self, text):
        body = text.encode()
        mask = secrets.token_bytes(4)
        if len(body) < 126:
            head = struct.pack("!BB", 0x81, 0x80 | len(body))
        elif len(body) < 65536:
            head = struct.pack("!BBH", 0x81, 0x80 | 126, len(body))
        else:
            head = struct.pack("!BBQ", 0x81, 0x80 | 127, len(body))
        repeated = (mask * (len(body) // 4 + 1))[: len(body)]
        masked = (int.from_bytes(body, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(body), "big")
        self.socket.sendall(head + mask + masked)

    def receive(self):
        text = b""
        while True:
            first, second = self.exactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", self.exactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self.exactly(8))
            if len(text) + length > MESSAGE_MAX:
                raise ConnectionError("a message of the browser is too long")
            body = self.exactly(length)
            kind = first & 0x0F
            if kind == 8:
                raise ConnectionError("the browser closed the socket")
            if kind in (0, 1):
                text += body
                if first & 0x80:
                    return text.decode()

    def exactly(self, length):
        data = self.stream.read(length)
        if len(data) != length:
            raise ConnectionError("the browser is gone")
        return data

    def close(self):
        self.socket.close()


class Browser:
    """A headless chromium with one tab."""

    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="browser-")
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--hide-scrollbars", "--remote-debugging-port=0", f"--user-data-dir={self.folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.number = 0
        self.events = []
        try:
            self.socket = Socket(self.tab())
        except BaseException:
            self.close()
            raise
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def tab(self):
        told = pathlib.Path(self.folder, "DevToolsActivePort")
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise ConnectionError(f"the browser ended with {self.process.returncode}")
            if told.exists() and told.read_text().strip():
                port = told.read_text().split()[0]
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=10) as answer:
                    pages = [tab for tab in json.load(answer) if tab["type"] == "page"]
                if pages:
                    return pages[0]["webSocketDebuggerUrl"]
            time.sleep(0.1)
        raise ConnectionError("the browser did not start within 30 s")

    def call(self, method, **params):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error'].get('message')}")
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def evaluate(self, script):
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:400])
        return answer["result"].get("value")

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def theme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name},
                                                          {"name": "prefers-reduced-motion", "value": "reduce"}])

    def open(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        until = time.monotonic() + 20
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            if time.monotonic() > until:
                raise TimeoutError(f"{url} did not load within 20 s")
            self.call("Runtime.evaluate", expression="0")
            time.sleep(0.02)

    def complaints(self):
        """Errors of the console, of scripts and of the policy, and what the page could not load."""
        found = []
        for event in self.events:
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append("script: " + params["exceptionDetails"].get("text", ""))
            elif event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append("console: " + " ".join(str(part.get("value", "")) for part in params["args"]))
            elif event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(f"{params['entry']['source']}: {params['entry']['text']} {params['entry'].get('url', '')}")
            elif event["method"] == "Page.javascriptDialogOpening":
                found.append("DIALOG: " + params.get("message", ""))
                self.call("Page.handleJavaScriptDialog", accept=True)
        return found

    def status(self, url):
        for event in self.events:
            if event["method"] == "Network.responseReceived" and event["params"]["type"] == "Document":
                return event["params"]["response"]["status"]
        return None

    def picture(self, path):
        shape = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": shape["width"], "height": min(shape["height"], 6000), "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self):
        if hasattr(self, "socket"):
            try:
                self.call("Browser.close")
            except Exception:  # it closes the socket while it answers
                pass
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def overflow(browser):
    """How far the page is wider than the window, and the elements that stick out."""
    return browser.evaluate("""(() => {
      const root = document.documentElement, over = root.scrollWidth - root.clientWidth;
      if (over <= 0) return null;
      const scrolls = (e) => { for (let p = e.parentElement; p; p = p.parentElement) if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return true; return false; };
      const wide = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > root.clientWidth + 1 && !scrolls(e));
      return over + ' px: ' + wide.slice(0, 4).map(e => e.tagName.toLowerCase() + '.' + e.getAttribute('class')).join(', ');
    })()""")


def small_targets(browser):
    """Targets below 24 by 24 px, WCAG 2.2 criterion 2.5.8; links within a sentence are exempt."""
    return browser.evaluate("""(() => [...document.querySelectorAll('button, select, input:not([type=hidden]), summary, textarea, nav a, a.button, a.cite')]
      .filter(e => { const r = e.getBoundingClientRect(); return r.width > 0 && (r.height < 24 || r.width < 24) && !(e.type === 'radio' && e.parentElement.getBoundingClientRect().height >= 24); })
      .map(e => e.outerHTML.slice(0, 80)).slice(0, 5))()""")


def violations(browser, axe):
    browser.evaluate(axe + ";0")
    found = browser.evaluate("""axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values:
      ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}}).then(r => r.violations.map(v =>
      ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' — ' + (n.any[0] || n.all[0] || n.none[0] || {message: ''}).message)})))""")
    return [f"axe {one['id']} ({one['impact']}): {one['help']}: " + " | ".join(one["nodes"]) for one in found]


def check(browser, url, options, axe, name):
    found = []
    for theme in ("light", "dark"):
        browser.theme(theme)
        for size, width, height in SIZES:
            where = f"{name} {size} {theme}"
            browser.size(width, height)
            browser.open(url)
            status = browser.status(url)
            if status != options.status:
                found.append((where, f"status {status}, wanted {options.status}"))
            # A script of the page that ran before us would have left a dialog; give it a moment.
            time.sleep(0.05)
            found += [(where, text) for text in browser.complaints()]
            wide = overflow(browser)
            if wide:
                found.append((where, f"overflow {wide}"))
            found += [(where, f"small target: {text}") for text in small_targets(browser)]
            # axe is evaluated by the debugger, which needs scripts on the page to be on.
            if axe and not options.no_script:
                found += [(where, text) for text in violations(browser, axe)]
            if options.out:
                browser.picture(pathlib.Path(options.out, f"{name}.{size}.{theme}.png"))
    browser.size(NARROWEST, 640)
    browser.open(url)
    wide = overflow(browser)
    if wide:
        found.append((f"{name} {NARROWEST} px", f"overflow {wide}"))
    return found


def serve(folder):
    policy = pathlib.Path(folder, "policy.txt").read_text().strip()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=folder, **kwargs)

        def end_headers(self):
            self.send_header("Content-Security-Policy", policy)
            self.send_header("X-Content-Type-Options", "nosniff")
            super().end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", help="paths below the base, or names of pages with --serve")
    parser.add_argument("--base", help="http://host:port of a running server")
    parser.add_argument("--serve", metavar="DIR", help="serve a folder of pages instead")
    parser.add_argument("--cookie", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--axe", metavar="FILE", help="axe.min.js")
    parser.add_argument("--out", metavar="DIR", help="where the pictures go")
    parser.add_argument("--status", type=int, default=200, help="the status that the pages must have")
    parser.add_argument("--no-script", action="store_true")
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium")
    options = parser.parse_args()
    if bool(options.base) == bool(options.serve):
        parser.error("give --base or --serve")
    paths, base = options.paths, options.base
    if options.serve:
        server = serve(options.serve)
        base = f"http://127.0.0.1:{server.server_address[1]}"
        paths = [f"/{name}.html" for name in paths] or [f"/{page.name}" for page in sorted(pathlib.Path(options.serve).glob("*.html"))]
    axe = pathlib.Path(options.axe).read_text() if options.axe else None
    if options.out:
        pathlib.Path(options.out).mkdir(parents=True, exist_ok=True)

    found = []
    browser = Browser(options.chromium)
    try:
        for cookie in options.cookie:
            name, _, value = cookie.partition("=")
            browser.call("Network.setCookie", name=name, value=value, url=base)
        if options.no_script:
            browser.call("Emulation.setScriptExecutionDisabled", value=True)
        for path in paths:
            name = re.sub(r"[^A-Za-z0-9._-]+", "_", path.removesuffix(".html").strip("/")) or "root"
            problems = check(browser, base.rstrip("/") + path, options, axe, name)
            print(f"{'ok  ' if not problems else 'FAIL'} {path}", flush=True)
            for where, text in problems:
                print(f"     {where}: {text}", flush=True)
            found += problems
    finally:
        browser.close()
    print(f"{len(paths)} pages, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError) as error:
        print(f"the browser failed: {error}", file=sys.stderr)
        sys.exit(2)
