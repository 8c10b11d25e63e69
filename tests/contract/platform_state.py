# SPDX-License-Identifier: Apache-2.0
"""The table, the buckets, the keys and the settings that the API under test gets; what deployment makes elsewhere."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import jwt
from botocore.config import Config
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

REGION = "eu-central-1"
TABLE = "streamify-test"
UPLOADS = "streamify-test-uploads"
MEDIA = "streamify-test-media"
CDN_URL = "https://localhost:9443"
PUBLIC_URL = "https://localhost:8443"
ISSUER = "https://issuer.streamify.localhost"
AUDIENCE = "streamify-upload"
ORIGIN = "https://watch.example.com"
ALL_SCOPES = "uploads:write videos:write videos:read"


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A private key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def jwks(key: ec.EllipticCurvePrivateKey, key_id: str) -> str:
    """The public half of a token key as a JWKS."""
    public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return json.dumps({"keys": [public | {"kid": key_id, "alg": "ES256", "use": "sig"}]})


@dataclass(frozen=True)
class Issuer:
    """Makes tokens."""

    key: ec.EllipticCurvePrivateKey
    key_id: str = "test"

    def token(
        self,
        *,
        scope: str = ALL_SCOPES,
        tenant: str = "acme",
        subject: str = "uploader",
        lifetime: timedelta = timedelta(minutes=5),
        **claims: Any,
    ) -> str:
        """A token; other claims replace the usual ones."""
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "exp": datetime.now(UTC) + lifetime,
            "scope": scope,
            "tenant": tenant,
        } | claims
        return jwt.encode(payload, self.key, algorithm="ES256", headers={"kid": self.key_id})


def aws(service: str, url: str) -> Any:
    """A client of the emulator."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}) if service == "s3" else None,
    )


def make_resources(url: str) -> None:
    """The table and the buckets, as the storage role makes them."""
    text = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "gsi1pk", "gsi1sk")]
    dynamodb = aws("dynamodb", url)
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=text,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "gsi1",
                "KeySchema": [
                    {"AttributeName": "gsi1pk", "KeyType": "HASH"},
                    {"AttributeName": "gsi1sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    s3 = aws("s3", url)
    for bucket in (UPLOADS, MEDIA):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})


def settings(url: str, signing_key: str, token_jwks: str) -> dict[str, str]:
    """The environment of an API process."""
    return {
        "STREAMIFY_ENVIRONMENT": "test",
        "STREAMIFY_HOST": "127.0.0.1",
        "STREAMIFY_HTTP_PORT": "0",
        "STREAMIFY_GRPC_PORT": "0",
        "STREAMIFY_METRICS_PORT": "0",
        "STREAMIFY_TABLE_NAME": TABLE,
        "STREAMIFY_UPLOAD_BUCKET": UPLOADS,
        "STREAMIFY_MEDIA_BUCKET": MEDIA,
        "STREAMIFY_CDN_URL": CDN_URL,
        "STREAMIFY_PUBLIC_URL": PUBLIC_URL,
        "STREAMIFY_SIGNING_KEY_ID": "KTEST",
        "STREAMIFY_SIGNING_KEY": signing_key,
        "STREAMIFY_TOKEN_JWKS": token_jwks,
        "STREAMIFY_TOKEN_ISSUER": ISSUER,
        "STREAMIFY_TOKEN_AUDIENCE": AUDIENCE,
        "STREAMIFY_ALLOWED_ORIGINS": ORIGIN,
        "STREAMIFY_REQUESTS_PER_SECOND": "0",
        "STREAMIFY_DRAIN_SECONDS": "1.5",
        "STREAMIFY_SHUTDOWN_GRACE_SECONDS": "5",
        # The emulator on a busy machine is no DynamoDB: what is about slowness sets its own.
        "STREAMIFY_DYNAMODB_ATTEMPT_SECONDS": "20",
        "STREAMIFY_S3_ATTEMPT_SECONDS": "20",
        "STREAMIFY_MOST_LAG_SECONDS": "60",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
