# SPDX-License-Identifier: Apache-2.0
"""The API as a process against the emulator, started once for all contract tests."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from contract.callers import Service
from contract.platform_state import Issuer, jwks, make_resources, pem, settings
from contract.processes import Api, run_api, run_emulator
from cryptography.hazmat.primitives.asymmetric import ec


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an AWS emulator that holds the table and the buckets."""
    with run_emulator(tmp_path_factory.mktemp("emulator")) as url:
        make_resources(url)
        yield url


@pytest.fixture(scope="session")
def signing_key() -> ec.EllipticCurvePrivateKey:
    """The key of playback cookies."""
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """The issuer that the API trusts."""
    return Issuer(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="session")
def environment(emulator: str, signing_key: ec.EllipticCurvePrivateKey, issuer: Issuer) -> dict[str, str]:
    """The settings of an API process."""
    return settings(emulator, pem(signing_key), jwks(issuer.key, issuer.key_id))


@pytest.fixture(scope="session")
def api(environment: dict[str, str]) -> Iterator[Api]:
    """A running API."""
    with run_api(environment) as running:
        yield running


@pytest.fixture
async def channel(api: Api) -> AsyncIterator[grpc.aio.Channel]:
    """A connection to the API's gRPC port."""
    async with grpc.aio.insecure_channel(api.grpc_target) as opened:
        yield opened


@pytest.fixture
def as_tenant(channel: grpc.aio.Channel, issuer: Issuer) -> Callable[..., Service]:
    """Makes callers: the arguments are those of Issuer.token."""
    return lambda **claims: Service(channel, issuer.token(**claims))


@pytest.fixture
def service(as_tenant: Callable[..., Service]) -> Service:
    """A caller who may do everything."""
    return as_tenant()


@pytest.fixture
async def http(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer."""
    async with httpx.AsyncClient(base_url=api.http_url) as client:
        yield client
