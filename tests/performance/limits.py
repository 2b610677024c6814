"""Loads the sandbox to its limits, and compares its memory.

Consents that expire at one instant: their webhooks wait in the timers, not in memory, and a reset gives
the memory back to the system. Readers of long statements who take nothing: those who read get
theirs whole, other calls are answered meanwhile, and the memory stays bounded.

Usage: limits.py FILE [CONSENTS]
"""

import hashlib
import pathlib
import socket
import sys
import threading
import time

from sandbox import Connection, Sandbox

ALLOWED_EXPIRY_MB = 150
ALLOWED_AFTER_RESET_MB = 40
# What the allocator keeps is returned a second after a world has ended.
RETURN_SECONDS = 20

STALLED_READERS = 12
READERS = 4
ALLOWED_READERS_MB = 80
SLOWEST_CALL_SECONDS = 1
STATEMENT = (
    "/_mockaa/v1/customers/1999999999@mockaa/statement?format=xml"
    "&from=2010-01-01T00:00:00Z&to=2020-07-01T00:00:00Z"
)


def peak_megabytes(sandbox):
    """Returns the most memory that the process has had."""
    status = pathlib.Path(f"/proc/{sandbox.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def check(what, value, allowed):
    print(f"{what}: {value:.1f} MB; {allowed} are allowed")
    if value > allowed:
        sys.exit("that is too much")


def expire_at_one_instant(command, count):
    with Sandbox(command) as sandbox:
        connection = Connection(sandbox.port)
        idle = sandbox.resident_megabytes()
        for number in range(count):
            connection.raise_consent(number, number)
        full = sandbox.resident_megabytes()
        print(f"{count:,} consents of as many customers: {full - idle:.1f} MB")
        began = time.monotonic()
        advanced = connection.expect("POST", "/_mockaa/v1/clock/advance", '{"by":"P300D"}')
        assert (advanced["stopped"], advanced["fired"]) == ("target", count), advanced["stopped"]
        print(f"all have expired after {time.monotonic() - began:.0f} s")
        check("more for the expiry of all", peak_megabytes(sandbox) - full, ALLOWED_EXPIRY_MB)
        connection.expect("POST", "/_mockaa/v1/reset")
        deadline = time.monotonic() + RETURN_SECONDS
        left = sandbox.resident_megabytes() - idle
        while left > ALLOWED_AFTER_RESET_MB and time.monotonic() < deadline:
            # Each call takes its turn after what the sandbox does meanwhile.
            connection.call("GET", "/livez")
            left = sandbox.resident_megabytes() - idle
        check("left after the reset", left, ALLOWED_AFTER_RESET_MB)


def request_statement(port):
    reader = socket.create_connection(("127.0.0.1", port))
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.sendall(f"GET {STATEMENT} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
    return reader


def read_whole(port, answers):
    with socket.create_connection(("127.0.0.1", port)) as reader:
        reader.sendall(f"GET {STATEMENT} HTTP/1.0\r\nhost: localhost\r\n\r\n".encode())
        digest, size = hashlib.sha256(), 0
        head = b""
        while b"\r\n\r\n" not in head:
            head += reader.recv(65536)
        head, piece = head.split(b"\r\n\r\n", 1)
        while piece:
            digest.update(piece)
            size += len(piece)
            piece = reader.recv(65536)
        answers.append((head[9:12], size, digest.hexdigest()))


def read_beside_stalled_readers(command):
    with Sandbox(command) as sandbox:
        connection = Connection(sandbox.port)
        connection.expect(
            "POST",
            "/_mockaa/v1/customers/1999999999@mockaa/persona",
            '{"persona":"huge-statement"}',
        )
        idle = sandbox.resident_megabytes()
        stalled = [request_statement(sandbox.port) for _ in range(STALLED_READERS)]
        answers = []
        readers = [
            threading.Thread(target=read_whole, args=(sandbox.port, answers)) for _ in range(READERS)
        ]
        for reader in readers:
            reader.start()
        calls, slowest = 0, 0.0
        while any(reader.is_alive() for reader in readers):
            began = time.monotonic()
            connection.raise_consent(calls, calls % 100)
            slowest = max(slowest, time.monotonic() - began)
            calls += 1
            if calls % 1_000 == 0 and stalled:
                # The reader leaves, so that another one gets its turn.
                stalled.pop(0).close()
        print(f"{calls:,} consents were raised meanwhile; the slowest took {slowest * 1e3:.0f} ms")
        assert slowest < SLOWEST_CALL_SECONDS, slowest
        check("more for the readers", peak_megabytes(sandbox) - idle, ALLOWED_READERS_MB)
    assert len(answers) == READERS and len(set(answers)) == 1, answers
    status, size, _ = answers[0]
    assert status == b"200" and size > 100e6, answers
    print(f"each of {READERS} readers got the same {size / 1e6:.0f} MB")


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    expire_at_one_instant([sys.argv[1]], count)
    read_beside_stalled_readers([sys.argv[1]])


main()
