# SPDX-License-Identifier: Apache-2.0
"""Options that several commands have."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate

import click
from streamify.catalog.v1 import catalog_service_pb2 as catalog

from streamify_client.channel import Connection
from streamify_client.errors import UsageError
from streamify_client.sync import Client


@dataclass(frozen=True)
class Session:
    """The platform, and how the answer is to be shown.

    Attributes:
        client: the platform.
        public_url: address of the platform's web pages for watch links; "" for the platform's own answer.
        as_json: whether programs read the output.
    """

    client: Client
    public_url: str
    as_json: bool


_FILE = click.Path(path_type=Path)
_OPTIONS = [
    click.option("--target", envvar="STREAMIFY_GRPC_TARGET", help="host:port of the gRPC API.", show_envvar=True),
    click.option(
        "--token-file",
        envvar="STREAMIFY_TOKEN_FILE",
        type=_FILE,
        help="File holding the bearer token; read for every call.",
        show_envvar=True,
    ),
    click.option(
        "--ca-file",
        envvar="STREAMIFY_CA_FILE",
        type=_FILE,
        help="Certificate authority to trust (PEM); the system's by default.",
        show_envvar=True,
    ),
    click.option(
        "--public-url",
        envvar="STREAMIFY_PUBLIC_URL",
        default="",
        help="Address of the platform's web pages, for watch links; the platform's own answer by default.",
        show_envvar=True,
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs."),
]


def connected[**P, R](command: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Adds the options that every command needs; the command gets a Session."""

    @wraps(command)
    def with_session(*args: P.args, **kwargs: P.kwargs) -> R:
        values: dict[str, Any] = dict(kwargs)
        target, token_file = values.pop("target"), values.pop("token_file")
        ca_file, public_url, as_json = values.pop("ca_file"), values.pop("public_url"), values.pop("as_json")
        if not target:
            raise UsageError("Where is the platform? Give --target or STREAMIFY_GRPC_TARGET.")
        if not token_file:
            raise UsageError("Who is calling? Give --token-file or STREAMIFY_TOKEN_FILE.")
        with Client(Connection(target=target, token_file=token_file, ca_file=ca_file)) as client:
            return command(Session(client, public_url, as_json), *args, **values)

    wrapped: Callable[P, R] = with_session
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


_POLICIES = {
    "public": catalog.PLAYBACK_POLICY_PUBLIC,
    "signed": catalog.PLAYBACK_POLICY_SIGNED,
    "private": catalog.PLAYBACK_POLICY_PRIVATE,
}
policy_option = click.option(
    "--policy",
    type=click.Choice(list(_POLICIES)),
    help="Who may watch: everybody, viewers with a token for watching, or those of the same tenant.",
)


def policy_of(name: str | None) -> catalog.PlaybackPolicy | None:
    """The policy of --policy, if it was given."""
    return _POLICIES[name] if name is not None else None


def sizes_of(ladder: str) -> list[int]:
    """The sizes of --ladder; raises UsageError."""
    try:
        return [int(size.strip().removesuffix("p")) for size in ladder.split(",") if size.strip()]
    except ValueError as error:
        raise UsageError(f'--ladder "{ladder}" is not a list of sizes such as "1080,720,480".') from error
