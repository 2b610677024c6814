"""Installs the packages of target/packages as a user would, each into an empty folder, and runs the demo from there.

Run it as `python install.py [PACKAGES]`, after `packaging/build.sh`. It needs npm, and the registries of pip and npm.
Exit code 0: every check passed; 1: at least one failed.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/packages").resolve()
# Settings of a developer do not change the test.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MOCKAA_")}
TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "aarch64-apple-darwin",
           "x86_64-pc-windows-msvc"]
SUCCESS = "All results were as expected"
failures = []


def check(label, holds, found=""):
    print(f"ok    {label}" if holds else f"FAIL  {label}: {found}", flush=True)
    failures.extend([] if holds else [label])


def run(folder, *command, **environment):
    """Runs a command; returns whether it has succeeded, and all it has printed."""
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**ENVIRONMENT, **environment}, timeout=600)
    return done.returncode == 0, done.stdout + done.stderr


def check_wheel(folder):
    run(folder, sys.executable, "-m", "venv", "venv")
    scripts = folder / "venv/bin"
    done, text = run(folder, scripts / "pip", "install", "--no-index", "--find-links", PACKAGES / "python", "mockaa")
    check("pip installs the wheel", done, text)
    done, text = run(folder, scripts / "mockaa", "demo")
    check("the demo runs from the wheel", done and SUCCESS in text, text)
    licences = list((folder / "venv").glob("lib/python*/site-packages/mockaa-*.dist-info/**/THIRD-PARTY-LICENSES.txt"))
    check("the wheel has the licences of others", len(licences) == 1)


def check_npm(folder):
    upstream = run(folder, "npm", "config", "get", "registry")[1].strip()
    registry = subprocess.Popen(["node", ROOT / "tests/packages/registry.mjs", PACKAGES / "npm", upstream],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        address = registry.stdout.readline().strip()
        (folder / "package.json").write_text("{}")
        done, text = run(folder, "npm", "install", "--no-audit", "--no-fund", "mockaa", npm_config_registry=address)
        check("npm installs the package and its program", done, text)
    finally:
        registry.stdin.close()
        registry.wait()
    done, text = run(folder, "npx", "--no-install", "mockaa", "demo")
    check("the demo runs from the npm package", done and SUCCESS in text, text)
    done, text = run(folder, "npx", "--no-install", "mockaa", "frobnicate")
    check("the exit code of the program is that of npm's", not done and "frobnicate" in text, text)
    serve_and_stop(folder)
    done, text = run(folder, "node", "-e", "console.log(require('mockaa').findBinary())")
    check("the package says where its program is", done and pathlib.Path(text.strip()).is_file(), text)
    (folder / "node_modules/@mockaa").rename(folder / "node_modules/@gone")
    done, text = run(folder, "npx", "--no-install", "mockaa", "demo")
    check("a missing program is explained", not done and "npm install --include=optional" in text, text)


def serve_and_stop(folder):
    """A signal to the script of npm ends the program in order."""
    script = folder / "node_modules/.bin/mockaa"
    served = subprocess.Popen([script, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ready = served.stdout.readline()
    served.terminate()
    _, log = served.communicate(timeout=30)
    check("SIGTERM ends the program", '"ready"' in ready and served.returncode == 0, (ready, served.returncode, log[-500:]))


def check_installer(folder):
    """The shell installer of a release, with the archive of this machine."""
    archives = [file for file in PACKAGES.glob("mockaa-*.tar.gz")]
    version = re.match(r"mockaa-(\d+\.\d+\.\d+[^-]*)-", archives[0].name)[1]
    release = folder / "release"
    release.mkdir()
    checksum = archives[0].with_name(archives[0].name + ".sha256").read_text()
    for target in TARGETS:
        # The archives of the other systems are not made here.
        suffix = "zip" if "windows" in target else "tar.gz"
        (release / f"mockaa-{version}-{target}.{suffix}.sha256").write_text(checksum)
    done, text = run(folder, sys.executable, ROOT / "packaging/render.py", "example/mockaa", version, release)
    rendered = [file.read_text() for file in release.glob("mockaa[-.][ir]*") if file.suffix in (".sh", ".ps1", ".rb")]
    check("installers and formula are written", done and len(rendered) == 3 and "@SHA" not in "".join(rendered), text)
    done, text = run(folder, "sh", release / "mockaa-installer.sh", "--to", "bin", "--from", PACKAGES.as_uri())
    check("the installer verifies and installs the archive", done and "installed mockaa" in text, text)
    done, text = run(folder, "bin/mockaa", "demo")
    check("the demo runs from the archive", done and SUCCESS in text, text)
    # A changed archive is not installed.
    copies = folder / "changed"
    copies.mkdir()
    (copies / archives[0].name).write_bytes(archives[0].read_bytes() + b"x")
    done, text = run(folder, "sh", release / "mockaa-installer.sh", "--to", "other", "--from", copies.as_uri())
    check("a changed archive is refused", not done and "nothing is installed" in text and not (folder / "other").exists(), text)


def main():
    for each in (check_wheel, check_npm, check_installer):
        with tempfile.TemporaryDirectory() as folder:
            each(pathlib.Path(folder))
    print(f"{len(failures)} failed" if failures else "all passed")
    sys.exit(bool(failures))


main()
