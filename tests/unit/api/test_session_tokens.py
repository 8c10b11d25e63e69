# SPDX-License-Identifier: Apache-2.0
"""Session tokens: read by every task, made by ours only, good over one exchange of keys."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from streamify_api.adapters.session_tokens import SignedSessionTokens
from streamify_api.domain.errors import InvalidArgumentError, PermissionDeniedError
from streamify_api.domain.playback import Delivery, Session


def session(lifetime: timedelta = timedelta(hours=1)) -> Session:
    end = datetime.now(UTC).replace(microsecond=0) + lifetime
    return Session("0" * 32, "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV", Delivery.QUERY, end)


def test_another_task_reads_what_one_wrote() -> None:
    assert SignedSessionTokens(["key"]).read(SignedSessionTokens(["key"]).write(session())) == session()


def test_a_token_survives_one_exchange_of_keys() -> None:
    token = SignedSessionTokens(["old"]).write(session())
    assert SignedSessionTokens(["new", "old"]).read(token) == session()
    with pytest.raises(InvalidArgumentError):
        SignedSessionTokens(["newer", "new"]).read(token)


def test_a_session_ends() -> None:
    tokens = SignedSessionTokens(["key"])
    with pytest.raises(PermissionDeniedError) as caught:
        tokens.read(tokens.write(session(timedelta(seconds=-5))))
    assert caught.value.reason == "SESSION_EXPIRED"


def forged(**changes: object) -> str:
    claims = {"aud": "streamify-playback-session", "jti": "1", "sub": "vid", "dlv": "cookies", "exp": 4102444800}
    return jwt.encode(claims | changes, "k" * 32, algorithm="HS256")


@pytest.mark.parametrize(
    "token",
    ["", "a.b.c", "x" * 10_000, forged(), jwt.encode({"sub": "vid"}, "", algorithm="none")],
    ids=["empty", "nonsense", "long", "another key", "unsigned"],
)
def test_what_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        SignedSessionTokens(["key"]).read(token)
    assert caught.value.reason == "INVALID_SESSION_TOKEN"
