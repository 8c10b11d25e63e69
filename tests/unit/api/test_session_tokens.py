# SPDX-License-Identifier: Apache-2.0
"""Session tokens: read by every task, made by ours only, good over one exchange of keys."""

import hmac
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from streamify_api.adapters.hmac_sha256 import HmacSha256
from streamify_api.adapters.session_tokens import SignedSessionTokens
from streamify_api.domain.errors import InvalidArgumentError, PermissionDeniedError
from streamify_api.domain.playback import Delivery, Session

# One for all: two sessions of one test begin in the same second.
NOW = datetime.now(UTC).replace(microsecond=0)


def session(lifetime: timedelta = timedelta(hours=1)) -> Session:
    end = NOW + lifetime
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


def test_another_implementation_reads_what_we_wrote_and_we_what_it_wrote() -> None:
    tokens = SignedSessionTokens(["key"])
    key = HKDF(hashes.SHA256(), 32, None, b"streamify playback session v1").derive(b"key")
    claims = jwt.decode(tokens.write(session()), key, algorithms=["HS256"], audience="streamify-playback-session")
    assert claims["sub"] == session().video_id
    assert tokens.read(jwt.encode(claims, key, algorithm="HS256")) == session()
    with pytest.raises(InvalidArgumentError):
        tokens.read(jwt.encode(claims | {"aud": "somebody-else"}, key, algorithm="HS256"))
    with pytest.raises(InvalidArgumentError):
        tokens.read(jwt.encode(claims, key, algorithm="HS256", headers={"kid": "1"}))  # only the one form


@pytest.mark.parametrize("length", [0, 1, 32, 64])
def test_our_hmac_is_the_standard_librarys(length: int) -> None:
    key = bytes(range(length))
    for message in (b"", b"m", b"message" * 100):
        expected = hmac.digest(key, message, "sha256")
        assert HmacSha256(key).digest(message) == expected
        assert HmacSha256(key).signer(message[:3])(message[3:]) == expected.hex()
