# SPDX-License-Identifier: Apache-2.0
"""Reads HLS playlists the way a player does (RFC 8216)."""

import re
from urllib.parse import urljoin

import httpx


def uris(playlist_url: str, text: str) -> list[str]:
    """Every address a playlist names: its lines that are no tags, and the URI attributes of those that are."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [line for line in lines if not line.startswith("#")]
    found += [match for line in lines if line.startswith("#EXT") for match in re.findall(r'URI="([^"]+)"', line)]
    return [urljoin(playlist_url, uri) for uri in dict.fromkeys(found)]


def walk(client: httpx.Client, master_url: str) -> tuple[list[str], list[str]]:
    """Fetches the master playlist and each one it names; returns (playlist addresses, segment addresses)."""
    master = client.get(master_url).raise_for_status().text
    playlists = [uri for uri in uris(master_url, master) if uri.endswith(".m3u8")]
    segments: list[str] = []
    for playlist in playlists:
        segments += uris(playlist, client.get(playlist).raise_for_status().text)
    return [master_url, *playlists], list(dict.fromkeys(segments))
