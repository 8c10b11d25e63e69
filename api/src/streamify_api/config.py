# SPDX-License-Identifier: Apache-2.0
"""Settings, read from the environment once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_LOG_LEVELS = frozenset({"debug", "info", "warning", "error"})
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]+(\.[a-z0-9-]+)+\Z")


class SettingsError(Exception):
    """The environment does not make sense; the message is one sentence that names every mistake."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between deployments. Times are seconds."""

    environment: str
    host: str
    http_port: int
    grpc_port: int
    table_name: str
    upload_bucket: str
    media_bucket: str
    cdn_url: str
    cdn_distribution_id: str
    public_url: str
    cookie_domain: str
    signing_key_id: str
    signing_key: str = field(repr=False)
    previous_signing_key: str = field(repr=False)
    token_jwks: str = field(repr=False)
    token_jwks_url: str
    token_jwks_seconds: float
    token_jwks_soonest_seconds: float
    token_issuer: str
    token_audience: str
    allowed_origins: frozenset[str]
    playback_seconds: int
    session_seconds: int
    cache_seconds: float
    stale_seconds: float
    requests_per_second: float
    request_burst: int
    http_concurrency: int
    grpc_reads: int
    grpc_changes: int
    grpc_streams: int
    grpc_presigning: int
    most_lag_seconds: float
    dynamodb_attempt_seconds: float
    s3_attempt_seconds: float
    metrics_port: int
    drain_seconds: float
    shutdown_grace_seconds: float
    log_level: str
    otlp_endpoint: str
    aws_region: str
    s3_endpoint_url: str | None
    dynamodb_endpoint_url: str | None
    cloudfront_endpoint_url: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read and check every setting.

        Raises:
            SettingsError: something is missing or wrong.
        """
        reader = _Reader(environment)
        settings = cls(
            environment=reader.text("STREAMIFY_ENVIRONMENT"),
            host=reader.text("STREAMIFY_HOST", "0.0.0.0"),  # noqa: S104  a container is reached from outside
            http_port=int(reader.number("STREAMIFY_HTTP_PORT", 8080, 0, 65535, whole=True)),
            grpc_port=int(reader.number("STREAMIFY_GRPC_PORT", 9090, 0, 65535, whole=True)),
            table_name=reader.text("STREAMIFY_TABLE_NAME"),
            upload_bucket=reader.text("STREAMIFY_UPLOAD_BUCKET"),
            media_bucket=reader.text("STREAMIFY_MEDIA_BUCKET"),
            cdn_url=reader.origin("STREAMIFY_CDN_URL"),
            # Optional: without it nothing is invalidated when a video is unpublished or deleted.
            cdn_distribution_id=environment.get("STREAMIFY_CDN_DISTRIBUTION_ID", "").strip(),
            public_url=reader.origin("STREAMIFY_PUBLIC_URL"),
            cookie_domain=reader.domain("STREAMIFY_COOKIE_DOMAIN"),
            signing_key_id=reader.text("STREAMIFY_SIGNING_KEY_ID"),
            signing_key=reader.text("STREAMIFY_SIGNING_KEY"),
            # Optional: sessions that were opened before the key was exchanged go on.
            previous_signing_key=environment.get("STREAMIFY_PREVIOUS_SIGNING_KEY", "").strip(),
            token_jwks=reader.text("STREAMIFY_TOKEN_JWKS"),
            # Optional: where the keys are read again; a task begins with those of STREAMIFY_TOKEN_JWKS.
            token_jwks_url=reader.jwks_url("STREAMIFY_TOKEN_JWKS_URL"),
            token_jwks_seconds=reader.number("STREAMIFY_TOKEN_JWKS_SECONDS", 300, 0.1, 86400),
            # A token whose key is not known has them read at once, but not more often than this.
            token_jwks_soonest_seconds=reader.number("STREAMIFY_TOKEN_JWKS_SOONEST_SECONDS", 10, 0.1, 86400),
            token_issuer=reader.text("STREAMIFY_TOKEN_ISSUER"),
            token_audience=reader.text("STREAMIFY_TOKEN_AUDIENCE"),
            allowed_origins=reader.origins("STREAMIFY_ALLOWED_ORIGINS"),
            playback_seconds=int(reader.number("STREAMIFY_PLAYBACK_SECONDS", 3600, 60, 86400, whole=True)),
            session_seconds=int(reader.number("STREAMIFY_SESSION_SECONDS", 43200, 60, 604800, whole=True)),
            cache_seconds=reader.number("STREAMIFY_CACHE_SECONDS", 5, 0, 300),
            stale_seconds=reader.number("STREAMIFY_STALE_SECONDS", 3600, 0, 86400),
            # For each client address and task; 0 is no limit.
            requests_per_second=reader.number("STREAMIFY_REQUESTS_PER_SECOND", 100, 0, 100_000),
            request_burst=int(reader.number("STREAMIFY_REQUEST_BURST", 400, 1, 1_000_000, whole=True)),
            http_concurrency=int(reader.number("STREAMIFY_HTTP_CONCURRENCY", 256, 1, 100_000, whole=True)),
            grpc_reads=int(reader.number("STREAMIFY_GRPC_READS", 256, 1, 100_000, whole=True)),
            grpc_changes=int(reader.number("STREAMIFY_GRPC_CHANGES", 128, 1, 100_000, whole=True)),
            grpc_streams=int(reader.number("STREAMIFY_GRPC_STREAMS", 1024, 1, 100_000, whole=True)),
            # Presigning a page of parts holds the loop for milliseconds: more at once would only wait for each other.
            grpc_presigning=int(reader.number("STREAMIFY_GRPC_PRESIGNING", 32, 1, 100_000, whole=True)),
            # What the event loop may be late by before new work is turned away.
            most_lag_seconds=reader.number("STREAMIFY_MOST_LAG_SECONDS", 0.25, 0, 60),
            # For one attempt of a call; all attempts together take at most twice that.
            dynamodb_attempt_seconds=reader.number("STREAMIFY_DYNAMODB_ATTEMPT_SECONDS", 1, 0.05, 60),
            s3_attempt_seconds=reader.number("STREAMIFY_S3_ATTEMPT_SECONDS", 2, 0.05, 60),
            metrics_port=int(reader.number("STREAMIFY_METRICS_PORT", 9100, 0, 65535, whole=True)),
            drain_seconds=reader.number("STREAMIFY_DRAIN_SECONDS", 10, 0, 100),
            shutdown_grace_seconds=reader.number("STREAMIFY_SHUTDOWN_GRACE_SECONDS", 20, 0, 100),
            log_level=reader.choice("STREAMIFY_LOG_LEVEL", "info", _LOG_LEVELS),
            # Optional: where traces go; without it there are none. The SDK reads the other OTEL_ variables itself.
            otlp_endpoint=reader.otlp("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            aws_region=reader.text("AWS_REGION"),
            s3_endpoint_url=environment.get("AWS_ENDPOINT_URL_S3") or None,
            dynamodb_endpoint_url=environment.get("AWS_ENDPOINT_URL_DYNAMODB") or None,
            cloudfront_endpoint_url=environment.get("AWS_ENDPOINT_URL_CLOUDFRONT") or None,
        )
        if reader.mistakes:
            raise SettingsError("; ".join(reader.mistakes))
        return settings


class _Reader:
    """Reads settings and collects mistakes, never quoting a value that may be secret."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.mistakes: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        value = self._environment.get(name, "").strip() or default
        if not value:
            self.mistakes.append(f"{name} is missing")
        return value

    def number(self, name: str, default: float, low: float, high: float, *, whole: bool = False) -> float:
        raw = self._environment.get(name, "").strip()
        try:
            value = (int(raw) if whole else float(raw)) if raw else default
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            self.mistakes.append(f"{name} must be a {'whole ' if whole else ''}number from {low:g} to {high:g}")
            return default
        return value

    def choice(self, name: str, default: str, choices: frozenset[str]) -> str:
        value = self._environment.get(name, "").strip().lower() or default
        if value not in choices:
            self.mistakes.append(f"{name} must be one of {', '.join(sorted(choices))}")
        return value

    def origin(self, name: str) -> str:
        value = self.text(name).rstrip("/")
        if value and not _is_origin(value):
            self.mistakes.append(f"{name} must be an origin such as https://video.example.com")
        return value

    def jwks_url(self, name: str) -> str:
        value = self._environment.get(name, "").strip()
        if value and not value.startswith(("https://", "file:///")):
            self.mistakes.append(f"{name} must be empty or begin with https:// or file:///")
        return value

    def otlp(self, *names: str) -> str:
        if self._environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return ""
        for name in names:
            value = self._environment.get(name, "").strip()
            if value and not value.startswith(("http://", "https://")):
                self.mistakes.append(f"{name} must be empty or begin with http:// or https://")
            if value:
                return value
        return ""

    def origins(self, name: str) -> frozenset[str]:
        values = frozenset(
            filter(None, (part.strip().rstrip("/") for part in self._environment.get(name, "").split(",")))
        )
        if not all(_is_origin(value) for value in values):
            self.mistakes.append(f"{name} must be origins such as https://video.example.com, separated by commas")
        return values

    def domain(self, name: str) -> str:
        value = self._environment.get(name, "").strip().lower().lstrip(".")
        if value and not _DOMAIN.match(value):
            self.mistakes.append(f"{name} must be empty or a domain such as example.com")
        return value


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  raises when it is no number
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS)
    plain = not (parts.path or parts.query or parts.fragment or parts.username)
    return secure and bool(parts.hostname) and plain and not re.search(r"[\s;,'\"*]", value)
