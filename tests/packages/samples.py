"""Plays all shipped scenarios against each sample FIU, with the contract report, rehearses its certification, and tries the services of
compose.yaml.

Run it as `python samples.py [--binary FILE] [NAME...]`; names are python, node, java, go and compose, default all. Without a file the
wheel of target/packages is installed. The samples are copied to an empty folder. It needs Node, and for Java and Go Debian's packages
default-jdk-headless, libjackson2-databind-java, golang-go and golang-golang-x-crypto-dev, as `.ci/run` installs them.
Exit code 0: every check passed; 1: at least one failed.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Settings of a developer do not change the test.
OWN = ("AA_URL", "AA_ID", "FIU_ID", "API_KEY", "KEY_FILE", "KEY_ID", "HOST", "PORT", "CHECK_SECONDS")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MOCKAA_") and name not in OWN}
JAVA_PATH = ":".join(f"/usr/share/java/jackson-{name}.jar" for name in ("core", "annotations", "databind"))
# For each sample: how it is built and how it is started, in the folder to which it was copied.
SAMPLES = {
    "python": ([], ["venv/bin/python", "examples/python/fiu.py"]),
    "node": ([], ["node", "examples/node/fiu.mjs"]),
    "java": (["javac", "-Xlint:all,-serial", "-Werror", "-cp", JAVA_PATH, "-d", "java-classes", "examples/java/Fiu.java"],
             ["java", "-cp", f"java-classes:{JAVA_PATH}", "Fiu"]),
    "go": (["go", "build", "-o", "go-fiu", "examples/go/fiu.go"], ["./go-fiu"]),
}
# Debian's Go packages are sources below a GOPATH.
GO_ENVIRONMENT = {"GOPATH": "/usr/share/gocode", "GO111MODULE": "off"}
APPLIED_WITHIN_S = 20
# The families of certification cases that each sample passes. In the others it lacks ReBIT's error codes, above all (examples/README.md).
CERTIFIED = {
    "The FIU asks for a consent", "The FIU asks for the status of a consent", "The FIU fetches an artefact", "The FIU requests data",
    "The FIU fetches data", "The whole journey", "The FIU accepts a notification of a consent", "The FIU accepts a notification of a session",
    "The FIU refuses a notification of a consent without a valid API key", "The FIU refuses a notification of a session without a valid API key",
    "The FIU requests no data with an artefact that is not active", "The FIU requests no data after a consent has stopped",
}
failures = []


def check(label, holds, found=""):
    print(f"ok    {label}" if holds else f"FAIL  {label}: {found}", flush=True)
    failures.extend([] if holds else [label])


def find_free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def prepare(folder, binary):
    """Copies what a team copies, and installs mockaa as a team does."""
    for name in ("examples", "scenarios", "fixtures/keys"):
        shutil.copytree(ROOT / name, folder / name)
    subprocess.run([sys.executable, "-m", "venv", "venv"], cwd=folder, check=True)
    install = ["venv/bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "cryptography"], cwd=folder, check=True)
    if binary:
        shutil.copy(binary, folder / "venv/bin/mockaa")
    else:
        # Nobody else's package of this name.
        subprocess.run([*install, "--no-index", "--find-links", ROOT / "target/packages/python", "mockaa"], cwd=folder, check=True)


def play(folder, name):
    """Runs all scenarios against a sample."""
    build, start = SAMPLES[name]
    port, begun = find_free_port(), time.monotonic()
    environment = {**ENVIRONMENT, **GO_ENVIRONMENT, "PORT": port, "PATH": f"{folder}/venv/bin:{os.environ['PATH']}"}
    if build:
        built = subprocess.run(build, cwd=folder, env=environment, capture_output=True, text=True)
        if built.returncode:
            check(f"{name}: it is built", False, built.stderr)
            return
    command = ["mockaa", "run", "scenarios", "--contract", "--fiu-url", f"http://127.0.0.1:{port}", "--junit", f"{name}.xml",
               "--", "examples/play.sh", *start]
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    suites = ElementTree.parse(folder / f"{name}.xml").findall("testsuite")
    cases = [(suite.get("name"), case) for suite in suites for case in suite.findall("testcase")]
    failed = [f"{suite}: {case.get('name')}: {''.join(case.find('failure').itertext())}"
              for suite, case in cases if case.find("failure") is not None]
    rules = {case.get("name") for _, case in cases if case.get("name").startswith("contract: ")}
    seconds = time.monotonic() - begun
    check(f"{name}: {len(suites)} scenarios, {len(rules)} rules of the contract report, {seconds:.0f} s",
          done.returncode == 0 and not failed and len(suites) == len(list((ROOT / "scenarios").glob("*.yaml"))),
          "\n".join(failed) or done.stdout[-2000:] + done.stderr[-2000:])
    unforeseen = re.findall("Traceback|Exception in|^    at |panic: |unforeseen|answered with 500", done.stdout + done.stderr, re.MULTILINE)
    check(f"{name}: no unforeseen error", not unforeseen, unforeseen)


def certify(folder, name):
    """Rehearses the certification of a sample that `play` has built."""
    port, aa_port, begun = find_free_port(), find_free_port(), time.monotonic()
    own = {"PORT": port, "AA_URL": f"http://127.0.0.1:{aa_port}", "CHECK_SECONDS": "3600"}
    environment = {**ENVIRONMENT, **own, "PATH": f"{folder}/venv/bin:{os.environ['PATH']}"}
    fiu = subprocess.Popen(SAMPLES[name][1], cwd=folder, env=environment, stdout=subprocess.PIPE)
    try:
        fiu.stdout.readline()
        # The FIU goes on printing.
        Thread(target=fiu.stdout.read, daemon=True).start()
        url = f"http://127.0.0.1:{port}"
        command = ["mockaa", "certify", "--fiu-url", url, "--port", aa_port, "--json", f"{name}.json", "--silence", "200ms",
                   "--trigger-consent", f"{url}/applications", "--trigger-fetch", f"{url}/applications/check"]
        done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    finally:
        fiu.send_signal(signal.SIGTERM)
        fiu.wait()
    cases = json.loads((folder / f"{name}.json").read_text())["cases"] if done.returncode in (0, 1) else []
    lacking = {case["family"] for case in cases if case["outcome"] != "passed"}
    passed = sum(case["outcome"] == "passed" for case in cases)
    check(f"{name}: passes {passed} of {len(cases)} cases of the certification, {time.monotonic() - begun:.0f} s",
          cases and not lacking & CERTIFIED, lacking & CERTIFIED or done.stdout[-2000:] + done.stderr[-2000:])
    unexplained = [case["id"] for case in cases if case["outcome"] != "passed" and not case["reasons"]]
    check(f"{name}: the report says what is missing", not unexplained, unexplained)


def play_compose(folder):
    """Starts the services of compose.yaml as processes, with their variables."""
    text = (ROOT / "compose.yaml").read_text()
    ports = {"8080": find_free_port(), "9000": find_free_port()}
    variables = dict(re.findall(r"^      ([A-Z_]+): (.*)$", text, re.MULTILINE))
    # Compose's ${NAME:-default}, then the names and the ports of the services.
    settings = {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value).strip('"') for name, value in variables.items()}
    for name, value in settings.items():
        value = value.replace("mockaa:8080", f"127.0.0.1:{ports['8080']}").replace("fiu:9000", f"127.0.0.1:{ports['9000']}")
        settings[name] = ports["9000"] if name == "PORT" else value.replace("/keys/", "fixtures/keys/").replace("0.0.0.0", "127.0.0.1")
    own = {name: value for name, value in settings.items() if name.startswith("MOCKAA_")}
    sandbox = {**ENVIRONMENT, **own, "MOCKAA_PORT": ports["8080"], "MOCKAA_BIND": "127.0.0.1"}
    fiu = {**ENVIRONMENT, **{name: value for name, value in settings.items() if name not in own}}
    processes = [subprocess.Popen(["venv/bin/mockaa", "serve"], cwd=folder, env=sandbox, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)]
    try:
        processes[0].stdout.readline()
        ready = subprocess.run(["venv/bin/mockaa", "ready"], cwd=folder, env=sandbox, capture_output=True, text=True)
        check("compose: the health check of the image succeeds", ready.returncode == 0, ready.stderr)
        processes.append(subprocess.Popen(["node", "examples/node/fiu.mjs"], cwd=folder, env=fiu, stdout=subprocess.PIPE))
        processes[1].stdout.readline()
        address = f"http://127.0.0.1:{ports['9000']}/applications"
        urllib.request.urlopen(address, b'{"customer":"9999999001@mockaa"}').close()
        deadline = time.monotonic() + APPLIED_WITHIN_S
        applications = []
        while time.monotonic() < deadline and not (applications and applications[0]["accounts"]):
            # Each check waits for the calls of the FIU.
            with urllib.request.urlopen(f"{address}/check", b"") as answer:
                applications = json.load(answer)
        check("compose: the FIU has fetched the data of an account", applications and applications[0]["transactions"], applications)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
            process.wait()


def play_and_certify(folder, name):
    play(folder, name)
    certify(folder, name)


def main(arguments):
    binary = None
    if arguments[:1] == ["--binary"]:
        binary, arguments = pathlib.Path(arguments[1]).resolve(), arguments[2:]
    names = arguments or [*SAMPLES, "compose"]
    unknown = set(names) - {*SAMPLES, "compose"}
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; use {', '.join(SAMPLES)} or compose")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prepare(folder, binary)
        # They wait more than they work.
        with ThreadPoolExecutor() as pool:
            plays = {sample: pool.submit(play_and_certify, folder, sample) for sample in names if sample in SAMPLES}
            if "compose" in names:
                play_compose(folder)
        for sample, played in plays.items():
            if played.exception():
                check(f"{sample}: the scenarios are played", False, repr(played.exception()))
    print(f"{len(failures)} checks failed" if failures else "all checks passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
