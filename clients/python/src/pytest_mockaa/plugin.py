"""Fixtures and markers for pytest."""

from __future__ import annotations

import hashlib
import re
import time
from datetime import datetime
from typing import Any, Callable, Generator, Iterator, Mapping, Optional

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .crypto import SigningKey, read_jwks
from .http import call
from .inbox import Inbox
from .rebit import Fiu
from .report import Report
from .sandbox import Sandbox
from .unaport import UnaportFiu
from .world import World

_STASH = pytest.StashKey[Sandbox]()
_WORLD = pytest.StashKey[World]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mockaa")
    group.addoption("--mockaa-url", help="address of a running mockaa; default: one is started for the run")
    parser.addini("mockaa_arguments", "further arguments of `mockaa serve`", type="args", default=["--seed", "42"])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(name): the mockaa scenario that drives the consents of the test, by name or in YAML")
    config.addinivalue_line("markers", "clock(instant): the time at which the world of the test is frozen; default: now")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """With xdist, the controller starts the one server; each worker gets its address."""
    try:
        node.workerinput["mockaa_url"], node.workerinput["mockaa_error"] = _obtain(node.config).url, ""
    except (OSError, RuntimeError) as error:
        # It concerns the tests that use the sandbox.
        node.workerinput["mockaa_url"], node.workerinput["mockaa_error"] = "", str(error)


def pytest_unconfigure(config: pytest.Config) -> None:
    sandbox = config.stash.get(_STASH, None)
    if sandbox is not None:
        sandbox.stop()


def _obtain(config: pytest.Config) -> Sandbox:
    """Returns the sandbox of the run, and starts it if there is none."""
    sandbox = config.stash.get(_STASH, None)
    if sandbox is None:
        worker: Optional[Mapping[str, Any]] = getattr(config, "workerinput", None)
        if worker and worker["mockaa_error"]:
            raise RuntimeError(worker["mockaa_error"])
        url = worker["mockaa_url"] if worker else config.getoption("--mockaa-url")
        sandbox = Sandbox(url.rstrip("/")) if url else Sandbox.start(config.getini("mockaa_arguments"))
        config.stash[_STASH] = sandbox
    return sandbox


@pytest.fixture(scope="session")
def mockaa(pytestconfig: pytest.Config) -> Sandbox:
    """The sandbox of the run: one server, also with xdist."""
    return _obtain(pytestconfig)


@pytest.fixture(scope="session")
def _aa_keys(mockaa: Sandbox) -> Mapping[str, RSAPublicKey]:
    return read_jwks(call("GET", f"{mockaa.url}/.well-known/jwks.json"))


@pytest.fixture(scope="session")
def _fiu_key() -> SigningKey:
    # A key of 2048 bits takes a tenth of a second.
    return SigningKey("pytest-mockaa")


def _name_world(request: pytest.FixtureRequest) -> str:
    """Returns the name of the test as that of a world. Ids follow from it: in a sandbox of the run it is the same each time."""
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name).strip("-.")[:48]
    run = str(time.time_ns()) if request.config.getoption("--mockaa-url") else ""
    return f"{readable}-{hashlib.sha256((request.node.nodeid + run).encode()).hexdigest()[:8]}"


@pytest.fixture
def aa_world(mockaa: Sandbox, request: pytest.FixtureRequest) -> Iterator[World]:
    """A world of the test: named after it, with a frozen clock, deleted afterwards."""
    world = World(mockaa.url, _name_world(request))
    clock = request.node.get_closest_marker("clock")
    if clock is not None:
        world.set_clock(*clock.args)
    else:
        world.control("POST", "clock/freeze")
    scenario = request.node.get_closest_marker("scenario")
    if scenario is not None:
        world.use_scenario(*scenario.args)
    request.node.stash[_WORLD] = world
    yield world
    world.delete()


@pytest.fixture
def aa_inbox(aa_world: World) -> Iterator[Inbox]:
    """A receiver of the webhooks of the test, for both APIs."""
    inbox = Inbox(
        lambda: read_jwks(call("GET", f"{aa_world.base_url}/.well-known/jwks.json")),
        lambda: datetime.fromisoformat(aa_world.now.replace("Z", "+00:00")),
    )
    for fiu in aa_world.control("GET", "config/fiu")["items"]:
        aa_world.control("PUT", f"config/fiu/{fiu['id']}", {"baseUrl": inbox.url})
    yield inbox
    inbox.close()


@pytest.fixture
def fiu(aa_world: World, _fiu_key: SigningKey, _aa_keys: Mapping[str, RSAPublicKey]) -> Fiu:
    """An FIU that uses ReBIT's API: it signs, verifies and decrypts."""
    return Fiu(aa_world, _fiu_key, _aa_keys)


@pytest.fixture
def unaport(aa_world: World) -> UnaportFiu:
    """An FIU that uses the Unaport API."""
    return UnaportFiu(aa_world)


@pytest.fixture
def aa_report(aa_world: World) -> Iterator[Callable[[], Report]]:
    """The contract report of the test: call it to read the report now. When the test ends, no rule may be broken."""
    yield aa_world.report
    try:
        aa_world.report().check()
    except AssertionError as error:
        # The world is gone before pytest describes what has failed at the end of a test.
        raise AssertionError(f"{error}\n\njournal:\n{aa_world.describe_journal()}") from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Adds the journal of its world to a test that fails."""
    result = yield
    world = item.stash.get(_WORLD, None)
    if result.failed and result.when == "call" and world is not None:
        try:
            journal = world.describe_journal()
        except Exception as error:  # The failure of the test matters more.
            journal = f"cannot be read: {error}"
        result.sections.append((f"journal of the mockaa world {world.name}", journal))
    return result

