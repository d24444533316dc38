"""Asks a gateway for its pages and tells how long they take; ends with 1 where a goal is missed."""
import gzip
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlsplit

address = sys.argv[1]
place = urlsplit(address)
missed = []


def get(connection, path):
    connection.request("GET", path, headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        sys.exit(f"{path} answered {answer.status}")
    return body


connection = http.client.HTTPConnection(place.hostname, place.port)
newest = re.search(r"/runs/([0-9a-f-]{36})", gzip.decompress(get(connection, "/runs")).decode()).group(1)
pages = [
    "/", "/?span=7d", "/runs", "/runs?state=failed", "/runs?job=job-7", "/runs?repo=lantern%2Frepo-3",
    "/runs?author=author-7", f"/runs/{newest}", "/jobs", "/jobs/job-7", "/pulls", "/pulls/lantern/repo-7/7",
    "/pr?author=author-7", "/configured-jobs", "/fleet", "/search?q=job-7", "/prowjobs.js?omit=annotations,labels,pod_spec",
]
print(f"  {'page':<42} {'p50 ms':>8} {'p95 ms':>8}")
for path in pages:
    # The feed for other tools is no page: it holds two days of runs, and is asked for once a minute.
    rounds, goal = (3, None) if path.startswith("/prowjobs.js") else (300, 50)
    for _ in range(min(20, rounds)):
        get(connection, path)
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        get(connection, path)
        times.append((time.perf_counter() - begin) * 1000)
    times.sort()
    slow = times[min(len(times) - 1, int(len(times) * 0.95))]
    shown = path.replace(newest, "RUN").split("omit")[0].rstrip("?")
    print(f"  {shown:<42} {statistics.median(times):>8.1f} {slow:>8.1f}")
    if goal and slow > goal:
        missed.append(f"{shown} takes {slow:.0f} ms")


def weight(path):
    page = get(connection, path)
    parts = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', gzip.decompress(page).decode()))
    total = len(page)
    for part in parts:
        total += len(get(connection, part))
    return total


for path in ["/", "/runs", f"/runs/{newest}"]:
    kilobytes = weight(path) / 1000
    print(f"  weight of {path.replace(newest, 'RUN'):<32} {kilobytes:>8.1f} kB compressed, with style and scripts")
    if kilobytes > 100:
        missed.append(f"{path} weighs {kilobytes:.0f} kB")

for path in ["/healthz", "/", "/runs"]:
    said = subprocess.run(
        ["wrk", "-t2", "-c50", "-d10s", "-H", "Accept: text/html", "-H", "Accept-Encoding: gzip", address + path],
        capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([0-9.]+)", said).group(1))
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    print(f"  wrk, 50 connections, {path:<21} {rate:>8.0f} a second" + (f", {failures.group(1)} failed" if failures else ""))
    if path != "/healthz" and (rate < 500 or failures):
        missed.append(f"{path} is answered {rate:.0f} times a second")


def painted(url):
    """Milliseconds to the first contentful paint, by the DevTools protocol over two pipes."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    profile = tempfile.mkdtemp()
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()
    # The browser reads its commands from descriptor 3 and answers on 4.
    process = subprocess.Popen(
        ["bash", "-c", f'exec 3<&{commands} 4>&{answers}; exec "$0" "$@"', browser, "--headless=new", "--no-sandbox",
         "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
        pass_fds=[commands, answers], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(commands)
    os.close(answers)
    stream = os.fdopen(from_browser, "rb")
    number = 0

    def message():
        text = bytearray()
        while (byte := stream.read(1)) != b"\0":
            text += byte
        return json.loads(text)

    def call(method, session=None, **parameters):
        nonlocal number
        number += 1
        command = {"id": number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(to_browser, json.dumps(command).encode() + b"\0")
        while (answer := message()).get("id") != number:
            pass
        return answer["result"]

    try:
        target = call("Target.createTarget", url="about:blank")["targetId"]
        session = call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        times = []
        for _ in range(7):
            call("Page.navigate", session, url=url)
            script = """new Promise(done => {
                const look = () => {
                    const [paint] = performance.getEntriesByName("first-contentful-paint");
                    paint ? done(paint.startTime) : setTimeout(look, 10);
                };
                look();
            })"""
            answer = call("Runtime.evaluate", session, expression=script, awaitPromise=True, returnByValue=True)
            times.append(answer["result"]["value"])
        return statistics.median(times[1:])
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)


if shutil.which("chromium") or shutil.which("google-chrome"):
    first = painted(address + "/")
    print(f"  first contentful paint of the overview {first:>11.0f} ms")
    if first > 300:
        missed.append(f"the overview is painted after {first:.0f} ms")

for sentence in missed:
    print(f"  MISSED: {sentence}")
sys.exit(1 if missed else 0)
