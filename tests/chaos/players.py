# SPDX-License-Identifier: Apache-2.0
"""Players: ask for playback, fetch manifest and segment from the CDN, renew; and services that read the catalogue."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp
import grpc
from chaos.clients import Caller, http, unary
from chaos.platform import Platform
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.catalog.v1 import catalog_service_pb2_grpc as catalog_grpc

# When the steps of a player are due, in seconds from its arrival.
MANIFEST_AFTER, PLAYLIST_AFTER, SEGMENT_AFTER, RENEW_AFTER = 0.3, 0.6, 0.9, 1.5


@dataclass(frozen=True)
class Player:
    """One kind of player.

    Args:
        session: keeps no cookies; each player carries its own.
    """

    platform: Platform
    session: aiohttp.ClientSession
    caller: Caller

    async def watch(self, due: float, *, media: bool) -> None:
        """A viewing of the sample; what cannot be asked for because something before it failed is not counted."""
        base = self.platform.outputs["http_url"]
        url = f"{base}/v1/videos/{self.platform.outputs['sample_video_id']}/playback"
        opened = await self.caller.ask("open", due, lambda patience: http(self.session, "GET", url, patience))
        if opened is None:
            return
        answer, body = opened
        playback = json.loads(body)
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in answer.cookies.items())
        if media:
            await self._fetch(due, playback["manifest_url"], {"Cookie": cookies})
        await self._until(due + RENEW_AFTER)
        renewal = {"session_token": playback["session_token"]}
        await self.caller.ask(
            "renew",
            due + RENEW_AFTER,
            lambda patience: http(self.session, "POST", f"{base}/v1/playback/renew", patience, json=renewal),
        )

    async def _fetch(self, due: float, manifest: str, headers: Mapping[str, str]) -> None:
        address: str | None = manifest
        for kind, after in (("manifest", MANIFEST_AFTER), ("playlist", PLAYLIST_AFTER), ("segment", SEGMENT_AFTER)):
            if address is None:
                return
            await self._until(due + after)
            fetched = await self._get(kind, due + after, address, headers)
            address = _first_uri(address, fetched) if fetched is not None and kind != "segment" else None

    async def _get(self, kind: str, due: float, url: str, headers: Mapping[str, str]) -> bytes | None:
        got = await self.caller.ask(
            kind, due, lambda patience: http(self.session, "GET", url, patience, headers=headers)
        )
        return got[1] if got else None

    async def _until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - self.caller.now()))


def _first_uri(base: str, playlist: bytes) -> str | None:
    """The first address in a playlist (RFC 8216): a line that is no tag."""
    found = re.search(r"^[^#\s].*$", playlist.decode(), re.MULTILINE)
    return urljoin(base, found[0].strip()) if found else None


@dataclass(frozen=True)
class Reader:
    """An internal service that reads a video over gRPC."""

    platform: Platform
    channel: grpc.aio.Channel
    caller: Caller
    token: str

    async def read(self, due: float) -> None:
        """One GetVideo of the sample."""
        stub = catalog_grpc.VideoServiceStub(self.channel)
        request = catalog.GetVideoRequest(video_id=self.platform.outputs["sample_video_id"])
        await self.caller.ask(
            "read", due, lambda patience: unary(stub.GetVideo, request, self.token, patience), over_grpc=True
        )
