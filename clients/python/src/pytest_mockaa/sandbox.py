"""The program, as a server that runs as long as the tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import IO, Any, Optional, Sequence

from .http import call


def find_binary() -> str:
    """Returns the path of the program: `MOCKAA_BINARY`, or that of the package `mockaa`, or that on the PATH."""
    chosen = os.environ.get("MOCKAA_BINARY")
    if chosen:
        return chosen
    name = "mockaa.exe" if os.name == "nt" else "mockaa"
    packaged = Path(sysconfig.get_path("scripts")) / name
    found = str(packaged) if packaged.is_file() else shutil.which("mockaa")
    if not found:
        raise FileNotFoundError("mockaa is not installed: pip install mockaa, or name the program in MOCKAA_BINARY")
    return found


class Sandbox:
    """A running `mockaa serve` on a free port. It has as many worlds as there are tests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._process: Optional[subprocess.Popen[str]] = None
        self._log: Optional[IO[str]] = None

    @classmethod
    def start(cls, arguments: Sequence[str] = ()) -> Sandbox:
        """Starts the program with these further arguments of `serve`."""
        # What this process has set for another sandbox does not concern this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCKAA_")}
        command = [find_binary(), "serve", "--port", "0", "--stop-on-eof", *arguments]
        log = tempfile.TemporaryFile("w+")
        # In a group of its own, so that Ctrl-C ends the tests first. The end of its input ends it.
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True, creationflags=flags,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.wait()
            log.seek(0)
            raise RuntimeError(f"mockaa does not start:\n{log.read()}")
        sandbox = cls(json.loads(line)["base_url"])
        sandbox._process, sandbox._log = process, log
        return sandbox

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Calls the control API, `/_mockaa/v1/…`, of the default world."""
        return call(method, f"{self.url}/_mockaa/v1/{path}", body)

    def stop(self) -> None:
        """Stops the program, after it has sent the webhooks that are due."""
        if self._process is None:
            return
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        if self._log is not None:
            self._log.close()
        self._process = None
