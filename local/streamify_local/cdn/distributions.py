# SPDX-License-Identifier: Apache-2.0
"""The account's distributions as CloudFront's API reports them: names, trusted keys and CORS of each behaviour."""

import re
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import boto3
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from .signatures import PublicKey, matches

STALE_SECONDS = 30.0


@dataclass(frozen=True)
class Behavior:
    """A cache behaviour: `keys` is None when it is public; `cors` is the response-headers policy's CorsConfig."""

    pattern: str
    keys: dict[str, PublicKey] | None
    cors: dict[str, Any] | None = None

    def covers(self, path: str) -> bool:
        """Whether the path pattern matches; a leading slash is optional in a pattern."""
        return matches("/" + self.pattern.removeprefix("/"), path)


@dataclass(frozen=True)
class Distribution:
    """An enabled distribution; the last of its behaviours is the default one.

    `forgotten` are the paths that were invalidated, one after the other.
    """

    domain_name: str
    aliases: tuple[str, ...]
    behaviors: tuple[Behavior, ...]
    forgotten: tuple[str, ...] = ()

    def behavior(self, path: str) -> Behavior:
        """The first behaviour that covers the path."""
        return next(behavior for behavior in self.behaviors if behavior.covers(path))

    def generation(self, path: str) -> int:
        """How often the path was invalidated: a part of the cache's key, so that what was kept before is not found.

        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html: a "*"
        stands at the end only, and cases matter.
        """
        return sum(
            path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern for pattern in self.forgotten
        )


def select(distributions: list[Distribution], host: str) -> Distribution | None:
    """Whose name or alias the host is; with one distribution in the account, that one whatever the host."""
    name = re.sub(r":\d+$", "", host).lower()
    for distribution in distributions:
        if name in (distribution.domain_name.lower(), *(alias.lower() for alias in distribution.aliases)):
            return distribution
    return distributions[0] if len(distributions) == 1 else None


def cors_headers(cors: dict[str, Any] | None, origin: str, *, preflight: bool) -> dict[str, str]:
    """The headers a CorsConfig adds for a requesting origin.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
    """
    if not cors or not origin:
        return {}
    allowed = cors["AccessControlAllowOrigins"]["Items"]
    if not any(fnmatchcase(origin, pattern) for pattern in allowed):
        return {}
    headers = {"Access-Control-Allow-Origin": "*" if "*" in allowed else origin}
    if cors.get("AccessControlAllowCredentials"):
        headers["Access-Control-Allow-Credentials"] = "true"
    if preflight:
        methods = cors["AccessControlAllowMethods"]["Items"]
        every = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
        headers["Access-Control-Allow-Methods"] = ", ".join(every if "ALL" in methods else methods)
        headers["Access-Control-Allow-Headers"] = ", ".join(cors["AccessControlAllowHeaders"]["Items"])
        headers["Access-Control-Max-Age"] = str(cors.get("AccessControlMaxAgeSec", 600))
    elif exposed := cors.get("AccessControlExposeHeaders", {}).get("Items"):
        headers["Access-Control-Expose-Headers"] = ", ".join(exposed)
    return headers


@dataclass
class Catalog:
    """What was last read; `current` refuses to answer from what is too old to be trusted."""

    distributions: list[Distribution] = field(default_factory=list)
    read_at: float = float("-inf")
    _keys: dict[str, PublicKey] = field(default_factory=dict)
    _invalidated: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _client: Any = None

    def current(self) -> list[Distribution]:
        """The distributions.

        Raises:
            TimeoutError: CloudFront's API has not answered for long.
        """
        if time.monotonic() - self.read_at > STALE_SECONDS:
            raise TimeoutError("CloudFront's API has not answered")
        return self.distributions

    def refresh(self) -> None:
        """Read everything anew; AWS's errors are raised as botocore's exceptions, and leave what was read before."""
        if self._client is None:
            once = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
            self._client = boto3.client("cloudfront", config=once)
        pages = self._client.get_paginator("list_distributions").paginate()
        items = [item for page in pages for item in page["DistributionList"].get("Items", [])]
        self.distributions = [self._distribution(item) for item in items if item["Enabled"]]
        self.read_at = time.monotonic()

    def _distribution(self, item: dict[str, Any]) -> Distribution:
        ordered = item.get("CacheBehaviors", {}).get("Items", [])
        behaviors = [self._behavior(entry["PathPattern"], entry) for entry in ordered]
        behaviors.append(self._behavior("*", item["DefaultCacheBehavior"]))
        aliases = tuple(item.get("Aliases", {}).get("Items", []))
        return Distribution(item["DomainName"], aliases, tuple(behaviors), self._forgotten(item["Id"]))

    def _forgotten(self, distribution_id: str) -> tuple[str, ...]:
        """Every path of every invalidation; what one says never changes, so each is read once."""
        pages = self._client.get_paginator("list_invalidations").paginate(DistributionId=distribution_id)
        paths: list[str] = []
        for summary in (item for page in pages for item in page["InvalidationList"].get("Items", [])):
            invalidation_id = summary["Id"]
            if invalidation_id not in self._invalidated:
                found = self._client.get_invalidation(DistributionId=distribution_id, Id=invalidation_id)
                self._invalidated[invalidation_id] = tuple(
                    found["Invalidation"]["InvalidationBatch"]["Paths"].get("Items", [])
                )
            paths += self._invalidated[invalidation_id]
        return tuple(paths)

    def _behavior(self, pattern: str, entry: dict[str, Any]) -> Behavior:
        groups, signers = entry.get("TrustedKeyGroups", {}), entry.get("TrustedSigners", {})
        keys: dict[str, PublicKey] | None = None
        if groups.get("Enabled") or signers.get("Enabled"):  # signers (accounts) are not emulated: nobody's key counts
            keys = {}
            for group in groups.get("Items", []):
                for key_id in self._client.get_key_group(Id=group)["KeyGroup"]["KeyGroupConfig"]["Items"]:
                    keys[key_id] = self._key(key_id)
        cors = None
        if policy := entry.get("ResponseHeadersPolicyId"):
            described = self._client.get_response_headers_policy(Id=policy)["ResponseHeadersPolicy"]
            cors = described["ResponseHeadersPolicyConfig"].get("CorsConfig")
        return Behavior(pattern, keys, cors)

    def _key(self, key_id: str) -> PublicKey:
        if key_id not in self._keys:
            pem = self._client.get_public_key(Id=key_id)["PublicKey"]["PublicKeyConfig"]["EncodedKey"]
            key = load_pem_public_key(pem.encode())
            if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
                raise TypeError(f"public key {key_id} is neither RSA nor ECDSA")
            self._keys[key_id] = key
        return self._keys[key_id]
