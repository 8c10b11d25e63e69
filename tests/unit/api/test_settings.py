# SPDX-License-Identifier: Apache-2.0
"""Settings: defaults, every mistake in one sentence, no secret in it."""

import pytest
from contract.platform_state import jwks, pem
from contract.platform_state import settings as environment_of
from cryptography.hazmat.primitives.asymmetric import ec
from streamify_api.bootstrap import build
from streamify_api.config import Settings, SettingsError


@pytest.fixture(scope="module")
def good() -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    return environment_of("http://127.0.0.1:1", pem(key), jwks(key, "k"))


def test_what_may_be_left_out_has_a_default(good: dict[str, str]) -> None:
    for name in ("STREAMIFY_HTTP_PORT", "STREAMIFY_GRPC_PORT", "STREAMIFY_DRAIN_SECONDS", "STREAMIFY_ALLOWED_ORIGINS"):
        good = {key: value for key, value in good.items() if key != name}
    settings = Settings.from_environment(good)
    assert (settings.http_port, settings.grpc_port, settings.drain_seconds) == (8080, 9090, 10)
    assert settings.allowed_origins == frozenset()
    assert settings.cookie_domain == ""


def test_secrets_are_not_shown(good: dict[str, str]) -> None:
    assert "PRIVATE" not in repr(Settings.from_environment(good))


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"STREAMIFY_HTTP_PORT": "many"})
    for name in ("STREAMIFY_TABLE_NAME is missing", "STREAMIFY_HTTP_PORT must be", "AWS_REGION is missing"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STREAMIFY_HTTP_PORT", "65536"),
        ("STREAMIFY_DRAIN_SECONDS", "-1"),
        ("STREAMIFY_DRAIN_SECONDS", "nan"),
        ("STREAMIFY_PLAYBACK_SECONDS", "1.5"),
        ("STREAMIFY_CDN_URL", "http://cdn.example.com"),
        ("STREAMIFY_CDN_URL", "https://cdn.example.com/path"),
        ("STREAMIFY_CDN_URL", "https://cdn.example.com:port"),
        ("STREAMIFY_PUBLIC_URL", "video.example.com"),
        ("STREAMIFY_ALLOWED_ORIGINS", "https://a.example.com,*"),
        ("STREAMIFY_COOKIE_DOMAIN", "localhost; Secure"),
        ("STREAMIFY_LOG_LEVEL", "loud"),
    ],
)
def test_a_value_out_of_range_is_named(good: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be "):
        Settings.from_environment(good | {name: value})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"STREAMIFY_SIGNING_KEY": "nonsense"}, "STREAMIFY_SIGNING_KEY does not fit"),
        ({"STREAMIFY_TOKEN_JWKS": "{}"}, "STREAMIFY_TOKEN_JWKS does not fit"),
        ({"STREAMIFY_TOKEN_JWKS": '{"keys": []}'}, "STREAMIFY_TOKEN_JWKS does not fit"),
        ({"STREAMIFY_TOKEN_JWKS": "nonsense"}, "STREAMIFY_TOKEN_JWKS does not fit"),
    ],
)
async def test_keys_that_do_not_fit_are_named(good: dict[str, str], change: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        async with build(Settings.from_environment(good | change)):
            pass
