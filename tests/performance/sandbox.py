"""A sandbox as a process, and a connection that sends each call in one piece."""

import json
import pathlib
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOW = "2020-07-04T06:00:00.000Z"
KEY = "mockaa-dev-fiu-1-api-key"
TRIES_MAX = 100_000
SEED_REQUEST = (
    (ROOT / "fixtures/seed/consent-request.json")
    .read_text()
    .replace("{{current_timestamp}}", NOW)
)


class Sandbox:
    """`mockaa serve` with one worker. It ends with the block."""

    def __init__(self, command, *arguments):
        fixed = ["serve", "--port", "0", "--workers", "1", "--log", "warn", "--clock", NOW]
        self.process = subprocess.Popen(
            [*command, *fixed, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        ready = json.loads(self.process.stdout.readline())
        self.port = int(ready["base_url"].rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def resident_megabytes(self):
        """Returns the resident memory of the process."""
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096 / 1e6


class Connection:
    """One connection, which is kept open."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, method, path, body=""):
        """Makes a call and returns its status and its answer."""
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {KEY}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.socket.sendall((head + body).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.read()
        head, rest = answer.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(rest) < length:
            rest += self.read()
        return int(head[9:12]), rest

    def read(self):
        piece = self.socket.recv(65536)
        assert piece, "the sandbox has closed the connection"
        return piece

    def expect(self, method, path, body=""):
        """Makes a call that has to succeed, and returns its answer. A 503 is tried again at once:
        the webhooks that fill the outbox leave it meanwhile."""
        for _ in range(TRIES_MAX):
            status, answer = self.call(method, path, body)
            if status != 503:
                break
        assert status == 200, f"{method} {path}: {status} {answer[:300]}"
        return json.loads(answer)

    def raise_consent(self, number, customer):
        """Raises a consent with a txnid of its own; returns its handle."""
        body = SEED_REQUEST.replace("0289437bf3", f"{number:010}")
        body = body.replace("1999999999", f"{customer:010}")
        return self.expect("POST", "/consent", body)["ConsentHandle"]
