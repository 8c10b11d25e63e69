# SPDX-License-Identifier: GPL-3.0-or-later
"""A botocore that answers from a script, and modules run in this process."""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT.parents[2]
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))

ACCOUNT = "123456789012"
REGION = "eu-central-1"


class FakeAws:
    """Clients whose operations answer from a script. Requests and answers are checked against botocore's model."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answers: dict[str, list[Any]] = {}
        self.answer("GetCallerIdentity", {"Account": ACCOUNT})

    def answer(self, operation: str, *answers: Any) -> None:
        """Say what an operation answers: each answer once, the last one for ever; an exception is raised."""
        self._answers[operation] = list(answers)

    def fail(self, operation: str, code: str) -> None:
        """Let an operation be refused."""
        self.answer(operation, refusal(operation, code))

    def client(self, service: str, **_settings: Any) -> Any:
        """Return one of our clients."""
        from ansible_collections.streamify.aws.plugins.module_utils.core.client import Client

        made: Any = boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")  # type: ignore[call-overload]
        stubber: Any = Stubber(made)

        def call(operation: str, request: dict[str, Any]) -> Any:
            model = made.meta.service_model.operation_model(operation)
            made._serializer.serialize_to_request(request, model)
            self.calls.append((operation, request))
            script = self._answers.get(operation, [{}])
            answer = script.pop(0) if len(script) > 1 else script[0]
            answer = answer(request) if callable(answer) else answer
            if isinstance(answer, Exception):
                raise answer
            stubber._validate_operation_response(operation, answer)
            return answer

        made._make_api_call = call
        return Client(made, retries=1)

    def requests(self, operation: str) -> list[dict[str, Any]]:
        """Return the requests of an operation."""
        return [request for name, request in self.calls if name == operation]

    def changes(self) -> list[str]:
        """Return the operations that were called and are no question."""
        return [name for name, _request in self.calls if not name.startswith(("Describe", "List", "Get"))]


def refusal(operation: str, code: str) -> ClientError:
    """Return AWS's refusal of an operation."""
    return ClientError({"Error": {"Code": code, "Message": f"{code} it is"}}, operation)


class Clock:
    """A time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def aws() -> FakeAws:
    """AWS as the script says."""
    return FakeAws()


@pytest.fixture
def context(aws: FakeAws) -> Callable[..., Any]:
    """Make a resource's context from parameters."""
    from ansible_collections.streamify.aws.plugins.module_utils.core.resource import Context
    from ansible_collections.streamify.aws.plugins.module_utils.core.waiting import Waiter

    clock = Clock()

    def make(**params: Any) -> Any:
        return Context(
            params={"tags": None, "purge_tags": True, **params},
            client=aws.client,
            waiter=lambda timeout: Waiter(timeout, clock=clock, sleep=clock.sleep),
        )

    return make


def run_module(name: str, arguments: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    """Run a module's main in this process, as Ansible would run it, and return its result."""
    from ansible.module_utils.testing import patch_module_args

    module = import_module(f"ansible_collections.streamify.aws.plugins.modules.{name}")
    out = io.StringIO()
    with (
        patch_module_args({**arguments, "_ansible_check_mode": check, "_ansible_diff": True}),
        contextlib.redirect_stdout(out),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    return dict(json.loads(out.getvalue()))


# Modules whose AWS services the emulator has only with the local cloud's patches.
PATCHED = frozenset(
    {"acm_certificate_request", "cloudwatch_dashboard", "elb_listener_attributes", "scalable_target", "scaling_policy"}
)
LOCAL_CLOUD = ROOT.parents[3] / "local"


@contextlib.contextmanager
def started(folder: Path, *command: str, **settings: str) -> Iterator[str]:
    """Start an emulator of AWS on a free port and return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log"
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("AWS_") and key != "DOCKER_HOST"
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(port=port) for part in command)],
            env={**environment, "GATEWAY_PORT": str(port), "DOCKER_HOST": "unix:///nonexistent.sock", **settings},
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _attempt in range(300):
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_ministack/health", timeout=2):
                break
            time.sleep(0.1)
        else:
            pytest.fail(f"the emulator did not start: {log.read_text()}")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def published_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator as it is published."""
    with started(tmp_path_factory.mktemp("emulator"), "ministack") as url:
        yield url


@pytest.fixture(scope="session")
def patched_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator as the local cloud runs it."""
    if not LOCAL_CLOUD.is_dir():
        pytest.skip("the local cloud is not beside the collection")
    launcher = ("streamify_local.emulator.launcher", "127.0.0.1:{port}")
    settings = {
        "PYTHONPATH": str(LOCAL_CLOUD),
        "ECS_NETWORK": "none",
        "ECS_NETWORK_CIDR": "127.0.0.0/30",
        "ECS_GATEWAY": "127.0.0.1",
        "ECS_CONTAINER_LABELS": "a=b",
        "ECS_METADATA_HOST": "127.0.0.1",
        "ECR_REGISTRY": "127.0.0.1:1",
    }
    with started(tmp_path_factory.mktemp("emulator"), *launcher, **settings) as url:
        yield url


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> str:
    """The emulator that has what the test's module needs."""
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    patched = parameters.get("name") in PATCHED or "patched_emulator" in request.fixturenames
    return str(request.getfixturevalue("patched_emulator" if patched else "published_emulator"))


@pytest.fixture
def module(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run a module against the emulator."""
    for key, value in {
        "AWS_ENDPOINT_URL": emulator,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(key, value)
    return run_module


@pytest.fixture
def run(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run a module against the script."""
    from ansible_collections.streamify.aws.plugins.module_utils.core import module as core
    from ansible_collections.streamify.aws.plugins.modules import ecr_image_info

    for place in (core, ecr_image_info):
        monkeypatch.setattr(place, "Client", lambda made: aws.client(made.meta.service_model.service_name))
    for key, value in {"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}.items():
        monkeypatch.setenv(key, value)
    return run_module
