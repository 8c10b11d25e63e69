# SPDX-License-Identifier: Apache-2.0
"""The local CA's certificates serve every local name; the development tokens are what the API expects."""

import datetime as dt
import json
import ssl
import time
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store
from streamify_local import ca, issuer
from streamify_local.environment import Environment


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment("one", tmp_path, "10.90.0.0/16", {"aws": 1}, "unix:///socket")


@pytest.mark.parametrize("leaf", ca.LEAVES)
@pytest.mark.parametrize("name", ["localhost", "streamify.localhost", "api.streamify.localhost"])
def test_leaf_is_trusted_for_every_local_name(tmp_path: Path, leaf: str, name: str) -> None:
    assert ca.ensure(tmp_path, "one")
    policy = PolicyBuilder().store(Store([certificate(tmp_path / "ca.pem")])).time(dt.datetime.now(dt.UTC))
    verifier = policy.build_server_verifier(x509.DNSName(name))
    chain = verifier.verify(certificate(tmp_path / f"{leaf}.pem"), [])
    assert len(chain) == 2
    usage = chain[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_leaf_and_key_belong_together(tmp_path: Path) -> None:
    ca.ensure(tmp_path, "one")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "public.pem", tmp_path / "public.key")
    assert (tmp_path / "public.key").stat().st_mode & 0o777 == 0o600


def test_certificates_stay_until_they_near_their_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca.ensure(tmp_path, "one")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert not ca.ensure(tmp_path, "one")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    monkeypatch.setattr(ca, "RENEW_BEFORE", ca.LIFETIME)
    assert ca.ensure(tmp_path, "one")
    assert (tmp_path / "ca.pem").read_bytes() == before["ca.pem"]
    assert (tmp_path / "cdn.pem").read_bytes() != before["cdn.pem"]


def test_broken_certificate_is_made_anew(tmp_path: Path) -> None:
    ca.ensure(tmp_path, "one")
    (tmp_path / "cdn.pem").write_text("-----BEGIN")
    assert ca.ensure(tmp_path, "one")
    certificate(tmp_path / "cdn.pem")


def test_token_is_accepted_with_the_published_keys(env: Environment) -> None:
    assert issuer.ensure(env)
    cloud = env.cloud()
    keys = jwt.PyJWKSet.from_dict(json.loads(Path(cloud["token_jwks_file"]).read_text()))
    token = Path(cloud["grpc_token_file"]).read_text().strip()
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, ["ES256"], audience=cloud["token_audience"], issuer=cloud["token_issuer"])
    assert claims["scope"].split() == ["uploads:write", "videos:write", "videos:read"]
    assert claims["tenant"] == "local"
    assert 29 * 86400 < claims["exp"] - time.time() <= 30 * 86400


def test_token_stays_for_half_its_life(env: Environment) -> None:
    issuer.ensure(env)
    token_file = env.state_dir / "grpc-token"
    before = token_file.read_text()
    assert not issuer.ensure(env)
    assert token_file.read_text() == before
    token_file.write_text(issuer.token(env, seconds=issuer.LIFETIME_SECONDS // 2 - 60))
    assert issuer.ensure(env)


def test_expired_token_can_be_made_for_tests(env: Environment) -> None:
    issuer.ensure(env)
    jwks = json.loads((env.state_dir / "issuer" / "jwks.json").read_text())
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(issuer.token(env, seconds=-60), jwt.PyJWK(jwks["keys"][0]), audience="streamify-upload")
