# SPDX-License-Identifier: Apache-2.0
"""Settings -> adapters -> services."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from streamify_api.adapters.aws import judge, open_client
from streamify_api.adapters.cache_signatures import CachedSigner
from streamify_api.adapters.cache_tokens import CachedVerifier
from streamify_api.adapters.cache_videos import CachedVideos, CacheLimits
from streamify_api.adapters.cloudfront_invalidations import SERVICE as CLOUDFRONT
from streamify_api.adapters.cloudfront_invalidations import CloudFrontInvalidations
from streamify_api.adapters.cloudfront_signer import CloudFrontSigner
from streamify_api.adapters.dependency import Dependency
from streamify_api.adapters.dynamodb_client import open_dynamodb
from streamify_api.adapters.dynamodb_store import DynamoDBStore
from streamify_api.adapters.jwks_source import JwksSource
from streamify_api.adapters.s3_descriptors import S3Descriptors
from streamify_api.adapters.s3_storage import S3MediaStorage, S3SourceStorage
from streamify_api.adapters.session_tokens import SignedSessionTokens
from streamify_api.adapters.tokens import JwtVerifier
from streamify_api.config import Settings, SettingsError
from streamify_api.domain.errors import StreamifyError
from streamify_api.services.janitor import Janitor
from streamify_api.services.playback import Playbacks
from streamify_api.services.ports import PlaybackSigner, TokenVerifier
from streamify_api.services.upload_parts import UploadParts
from streamify_api.services.uploads import Uploads
from streamify_api.services.video_changes import VideoChanges
from streamify_api.services.videos import Videos
from streamify_api.telemetry import log
from streamify_api.telemetry_metrics import CACHE_ENTRIES, STORE_DOWN, video_cache

_WARM_SECONDS = 2.0
# Dependency cuts every attempt earlier, but for joining parts, while which S3 sends spaces.
_READ_SECONDS = 30.0
_CLOUDFRONT_SECONDS = 2.0  # while the caller of UnpublishVideo waits; the janitor makes up for it
# Where CloudFront's API is, whatever the platform's region: https://docs.aws.amazon.com/general/latest/gr/cf_region.html
_CLOUDFRONT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Services:
    """What the transports are built around."""

    uploads: Uploads
    parts: UploadParts
    videos: Videos
    changes: VideoChanges
    playbacks: Playbacks
    verifier: TokenVerifier
    janitor: Janitor


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def build_signer(settings: Settings) -> PlaybackSigner:
    """The signer of playback.

    Raises:
        SettingsError: the key does not fit.
    """
    try:
        signer = CloudFrontSigner(settings.signing_key_id, settings.signing_key, settings.cdn_url)
    except ValueError as error:
        raise SettingsError(f"STREAMIFY_SIGNING_KEY does not fit: {error}") from None
    return CachedSigner(signer)


def build_verifier(settings: Settings) -> JwtVerifier:
    """The verifier of bearer tokens.

    Raises:
        SettingsError: the keys do not fit.
    """
    try:
        return JwtVerifier(settings.token_jwks, settings.token_issuer, settings.token_audience)
    except ValueError as error:
        raise SettingsError(f"STREAMIFY_TOKEN_JWKS does not fit: {error}") from None


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Services]:
    """The services, as long as the context is open.

    Raises:
        SettingsError: a key or a region does not fit.
    """
    signer, verifier = build_signer(settings), build_verifier(settings)
    remembered = CachedVerifier(verifier)

    def replace_keys(jwks: str) -> bool:
        if changed := verifier.replace(jwks):
            remembered.forget()
        return changed

    # A custom endpoint has no host name for each bucket.
    style = {"addressing_style": "path" if settings.s3_endpoint_url else "virtual"}
    async with AsyncExitStack() as stack:
        try:
            dynamodb = await open_dynamodb(stack, settings.aws_region, settings.dynamodb_endpoint_url)
            s3 = await open_client(
                stack, "s3", settings.aws_region, settings.s3_endpoint_url, read_timeout=_READ_SECONDS, s3_options=style
            )
            cdn = await _open_cdn(stack, settings)
        except ValueError as error:
            raise SettingsError(f"AWS_REGION or an endpoint does not fit: {error}") from error
        table = Dependency("DynamoDB", settings.dynamodb_attempt_seconds, judge)
        buckets = Dependency("S3", settings.s3_attempt_seconds, judge)
        credentials = Dependency("credentials", settings.s3_attempt_seconds, judge)
        store = DynamoDBStore(dynamodb, table, settings.table_name, utc_now)
        descriptors = S3Descriptors(s3, buckets, settings.media_bucket)
        sources = S3SourceStorage(s3, buckets, credentials, settings.upload_bucket)
        media = S3MediaStorage(s3, buckets, credentials, settings.media_bucket)
        uploads = Uploads(store, sources, utc_now)
        limits = CacheLimits(fresh_seconds=settings.cache_seconds, stale_seconds=settings.stale_seconds)
        published = CachedVideos(store, descriptors, limits, observe=video_cache)
        CACHE_ENTRIES.set_function(lambda: len(published))
        STORE_DOWN.set_function(lambda: published.store_is_down)
        sessions = SignedSessionTokens([key for key in (settings.signing_key, settings.previous_signing_key) if key])
        lifetime = timedelta(seconds=settings.playback_seconds)
        if settings.token_jwks_url:
            source = JwksSource(
                settings.token_jwks_url, settings.token_jwks_seconds, settings.token_jwks_soonest_seconds, replace_keys
            )
            verifier.unknown_key = source.read_soon
            stack.callback(asyncio.create_task(source.follow()).cancel)
        await _warm(store)
        yield Services(
            uploads=uploads,
            parts=UploadParts(uploads, sources, utc_now),
            videos=Videos(store, media, utc_now),
            changes=VideoChanges(store, media, descriptors, cdn, utc_now),
            playbacks=Playbacks(
                published,
                signer,
                sessions,
                utc_now,
                settings.cdn_url,
                lifetime,
                timedelta(seconds=settings.session_seconds),
            ),
            verifier=remembered,
            janitor=Janitor(store, sources, media, cdn, utc_now),
        )


async def _open_cdn(stack: AsyncExitStack, settings: Settings) -> CloudFrontInvalidations | None:
    if not settings.cdn_distribution_id:
        return None
    client = await open_client(
        stack, "cloudfront", _CLOUDFRONT_REGION, settings.cloudfront_endpoint_url, read_timeout=_READ_SECONDS
    )
    dependency = Dependency(CLOUDFRONT, _CLOUDFRONT_SECONDS, judge)
    return CloudFrontInvalidations(client, dependency, settings.cdn_distribution_id)


async def _warm(store: DynamoDBStore) -> None:
    """Open the first connection now. A store that is down keeps no task from starting: the other tasks need help."""
    try:
        async with asyncio.timeout(_WARM_SECONDS):
            await store.warm()
    except (StreamifyError, TimeoutError) as error:
        log.warning("the store does not answer yet", error=str(error))
    except Exception:
        log.exception("the store refuses us")
