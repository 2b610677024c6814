"""The static program for Linux: its size, and what it does in an empty folder as its root directory, without /dev,
/tmp, certificates or name service.

Run it as `python static_binary.py PATH_TO_MOCKAA`, as root or where sudo asks for no password. It needs a C compiler and
the Python package cryptography.
Exit code 0: every check passed; 1: at least one failed.
"""

import datetime
import http.server
import ipaddress
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BINARY = pathlib.Path(sys.argv[1]).resolve()
SIZE_MAX = 25_000_000
NOW = "2020-07-04T06:00:00.000Z"
CONSENT = pathlib.Path(__file__).parents[2] / "fixtures/seed/consent-request.json"
failures = []


def check(label, holds, found=""):
    print(f"ok    {label}" if holds else f"FAIL  {label}: {found}")
    failures.extend([] if holds else [label])


class Root:
    """A folder that has the program and nothing else, as the root directory of processes."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        shutil.copy(BINARY, self.folder / "mockaa")

    def start(self, *arguments, **options):
        # Only root may enter; a runner of a CI system may become root.
        enter = [] if os.getuid() == 0 else ["sudo", "-n"]
        command = [*enter, "chroot", self.folder, "/mockaa", *arguments]
        return subprocess.Popen(command, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def run(self, *arguments):
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=120)
        return process.returncode, stdout, stderr


class Receiver(http.server.BaseHTTPRequestHandler):
    """An FIU over https that accepts every webhook."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def start_receiver(folder):
    """Returns the server, and a file with the certificate that it has issued for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    today = datetime.datetime.now(datetime.timezone.utc)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("fiu.test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(),
                                      today - datetime.timedelta(days=1), today + datetime.timedelta(days=1))
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    file = pathlib.Path(folder) / "receiver.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(certificate.public_bytes(pem) + private)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.received = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, file


class Sandbox:
    """`mockaa serve` in the root directory."""

    def __init__(self, root, *arguments):
        self.process = root.start("serve", "--port", "0", "--clock", f"{NOW},frozen", *arguments)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"FAIL  serve {arguments} ends: {self.process.stderr.read()}")
        self.url = json.loads(line)["base_url"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=30)

    def call(self, path, body=None):
        data = None if body is None else body.encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def send_webhook(self):
        """Raises a consent of a customer who approves. Returns the first attempt of its first webhook."""
        consent = CONSENT.read_text().replace("{{current_timestamp}}", NOW)
        status, answer = self.call("/consent", consent.replace("1999999999@onemoney", "9999999001@onemoney"))
        check("a consent is raised", status == 200, answer)
        self.call("/_mockaa/v1/clock/advance", '{"by": "1s"}')
        webhooks = json.loads(self.call("/_mockaa/v1/webhooks?after=0")[1])
        return webhooks["items"][0]["attempts"][0]


def check_file():
    headers = subprocess.run(["readelf", "--program-headers", BINARY], capture_output=True, text=True, check=True)
    check("the program needs no loader", "INTERP" not in headers.stdout, headers.stdout)
    size = BINARY.stat().st_size
    check(f"its {size / 1e6:.1f} MB are at most {SIZE_MAX / 1e6:.0f}", size <= SIZE_MAX)


def check_commands(root):
    status, stdout, stderr = root.run("demo")
    check("demo", status == 0 and "All results were as expected" in stdout, (status, stdout[-300:], stderr[-600:]))
    for arguments, expected in [(("magic",), "9999999001"), (("scenario", "list"), "webhook-duplicate")]:
        status, stdout, stderr = root.run(*arguments)
        check(" ".join(arguments), status == 0 and expected in stdout, (status, stderr))


def check_webhooks(root, folder):
    receiver, file = start_receiver(folder)
    shutil.copy(file, root.folder / "ca.pem")
    port = receiver.server_address[1]
    url = f"https://127.0.0.1:{port}"
    with Sandbox(root, "--fiu-url", url) as sandbox:
        error = sandbox.send_webhook()["error"]
        check("a receiver of an unknown CA is refused", "UnknownIssuer" in error and "--ca FILE" in error, error)
    with Sandbox(root, "--fiu-url", url, "--ca", "/ca.pem") as sandbox:
        attempt = sandbox.send_webhook()
        check("a webhook to an https receiver", attempt["status"] == 200 and receiver.received, attempt)
        status, answer = sandbox.call("/_mockaa/v1/customers/9999999001@mockaa/statement?format=xlsx")
        check("a workbook without /tmp", status == 200 and answer.startswith(b"PK"), (status, answer[:300]))
        ready = root.run("ready", "--server", sandbox.url)
        check("ready", ready[0] == 0, ready)
    (root.folder / "etc").mkdir()
    (root.folder / "etc/hosts").write_text("127.0.0.1 fiu.test\n")
    with Sandbox(root, "--fiu-url", f"https://fiu.test:{port}", "--ca", "/ca.pem") as sandbox:
        attempt = sandbox.send_webhook()
        check("a name of /etc/hosts is found", attempt["status"] == 200, attempt)


def check_name_service(root):
    """The modules of the system's name service are not loaded: they bring another C library with them."""
    (root.folder / "etc/nsswitch.conf").write_text("hosts: tripwire files dns\n")
    modules = root.folder / "lib/x86_64-linux-gnu"
    modules.mkdir(parents=True)
    source = root.folder / "tripwire.c"
    source.write_text("__attribute__((constructor)) static void trip(void) { __builtin_trap(); }\n")
    module = modules / "libnss_tripwire.so.2"
    subprocess.run(["cc", "-shared", "-nostdlib", "-fPIC", "-o", module, source], check=True)
    status, _, stderr = root.run("ready", "--server", "http://fiu.test:9")
    check("no module of the name service is loaded", status == 3 and "fiu.test" in stderr, (status, stderr))


def main():
    check_file()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as beside:
        root = Root(folder)
        check_commands(root)
        check_webhooks(root, beside)
        check_name_service(root)
    print(f"{len(failures)} failed" if failures else "all passed")
    sys.exit(bool(failures))


main()
