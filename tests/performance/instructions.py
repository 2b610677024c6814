"""Counts the instructions of a call with callgrind, and compares them with the accepted figures.

Times vary from run to run, instructions hardly do: two runs differ by a thousandth. A call that takes
three per cent more than it did fails. `--accept` writes the figures of this run.

Usage: instructions.py FILE [--accept]
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

from sandbox import Connection, Sandbox

FIGURES = pathlib.Path(__file__).with_name("instructions.json")
CALLS = 500
TOLERANCE = 0.03


def count(binary, name):
    """Returns the instructions of one call."""
    log = tempfile.NamedTemporaryFile(mode="r", suffix=".log")
    command = [
        "valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null",
        f"--log-file={log.name}", binary,
    ]  # fmt: skip
    with Sandbox(command) as sandbox:
        connection = Connection(sandbox.port)
        paths = []
        for number in range(50):
            handle = connection.raise_consent(number, number)
            approved = connection.expect("POST", f"/_mockaa/v1/consents/{handle}/approve")
            paths.append(f"/consent/{approved['consentId']}")
            connection.expect("GET", paths[-1])
        switch(sandbox, "on")
        for number in range(CALLS):
            if name == "create a consent":
                connection.raise_consent(1000 + number, 1000 + number)
            else:
                connection.expect("GET", paths[number % len(paths)])
        switch(sandbox, "off")
    found = re.search(r"Collected : (\d+)", log.read())
    return int(found[1]) // CALLS


def switch(sandbox, state):
    """Begins or ends the count."""
    pid = str(sandbox.process.pid)
    subprocess.run(["callgrind_control", "-i", state, pid], check=True, stdout=subprocess.DEVNULL)


def main():
    binary, *rest = sys.argv[1:]
    accepted = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    measured = {name: count(binary, name) for name in ("create a consent", "get a consent")}
    if rest == ["--accept"]:
        FIGURES.write_text(json.dumps(measured, indent=2) + "\n")
        print("accepted:", measured)
        return
    failed = False
    for name, instructions in measured.items():
        change = instructions / accepted[name] - 1
        print(f"{name}: {instructions:,} instructions, accepted {accepted[name]:,}, {change:+.1%}")
        failed |= change > TOLERANCE
        if change < -TOLERANCE:
            print("  better: keep it with --accept")
    if failed:
        sys.exit(
            "a call takes more instructions than it did; find out why with `callgrind_annotate`, "
            "or say why it has to in the commit that runs instructions.py FILE --accept"
        )


main()
