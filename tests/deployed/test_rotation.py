# SPDX-License-Identifier: Apache-2.0
"""The signing key is replaced while people watch: no playback fails, and the old key is worth nothing afterwards."""

import asyncio
import ssl
import threading
import time
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
import pytest
from deployed import fleet
from support.playbooks import play

COOKIE_SECONDS = 15  # how long the test's players go on with their cookies
PLAYERS_A_SECOND = 2
KEY = "CloudFront-Key-Pair-Id"


class Audience:
    """Players that start one after another; each fetches its manifest again and again until its cookies are old."""

    def __init__(self, url: str, tls: ssl.SSLContext) -> None:
        self._url, self._tls = url, tls
        self.stopping = threading.Event()
        self.watched = 0
        self.failed: list[str] = []
        self.keys: set[str] = set()

    async def _watch(self, http: httpx.AsyncClient) -> None:
        try:
            opened = await http.get(self._url)
            if opened.status_code != 200:
                self.failed.append(f"playback: {opened.status_code}")
                return
            cookies = {cookie.name: cookie.value or "" for cookie in opened.cookies.jar}
            self.keys.add(cookies[KEY])
            header = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
            for _ in range(4):
                got = await http.get(opened.json()["manifest_url"], headers=header)
                if got.status_code != 200:
                    self.failed.append(f"manifest with key {cookies[KEY]}: {got.status_code}")
                await asyncio.sleep(COOKIE_SECONDS / 4)
        except httpx.HTTPError as error:
            self.failed.append(f"{type(error).__name__}: {error}")
        finally:
            self.watched += 1

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
        forgetful = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))  # players do not share cookies
        client = httpx.AsyncClient(verify=self._tls, limits=limits, timeout=5, cookies=forgetful)
        async with client, asyncio.TaskGroup() as group:
            while not self.stopping.is_set():
                group.create_task(self._watch(client))
                await asyncio.sleep(1 / PLAYERS_A_SECOND)

    def __enter__(self) -> "Audience":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="audience")
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stopping.set()
        self._thread.join(timeout=60)


def group_keys(aws: Any) -> set[str]:
    groups = aws("cloudfront").list_key_groups()["KeyGroupList"]["Items"]
    return {key for group in groups for key in group["KeyGroup"]["KeyGroupConfig"]["Items"]}


@pytest.mark.timeout(900)
def test_no_playback_fails_while_the_key_is_replaced(
    aws: Any, outputs: dict[str, str], tls: ssl.SSLContext, http: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks before the rotation")
    url = f"{outputs['http_url']}/v1/videos/{outputs['sample_video_id']}/playback"
    before = group_keys(aws)
    assert len(before) == 2, "one key that signs, one that stands ready"
    manifest = http.get(url).json()["manifest_url"]
    old = {cookie.name: cookie.value or "" for cookie in http.cookies.jar}
    waits = [f"rotate_keys_cookie_seconds={COOKIE_SECONDS}", "rotate_keys_margin_seconds=5"]
    with Audience(url, tls) as audience:
        # Interrupted after the first phase, and taken up again.
        begun = [*waits, "rotate_keys_propagation_seconds=5", "rotate_keys_wait=false"]
        first = play("playbooks/rotate_keys.yml", "-e", " ".join(begun))
        assert first.code == 0, first.output
        assert old[KEY] in group_keys(aws), "the old key went before its cookies did"
        second = play("playbooks/rotate_keys.yml", "-e", " ".join(waits))
        assert second.code == 0, second.output
        time.sleep(1)
    with capsys.disabled():
        watched, keys = audience.watched, len(audience.keys)
        print(f"\n  the signing key replaced: {watched} playbacks with {keys} keys, {len(audience.failed)} failed")
    assert audience.failed == []
    after = group_keys(aws)
    assert len(after) == 2
    assert old[KEY] in audience.keys
    assert old[KEY] not in after
    assert audience.keys - {old[KEY]} < before, "the standby did not become the key that signs"
    header = {"Cookie": "; ".join(f"{name}={value}" for name, value in old.items())}
    fleet.wait_until(
        lambda: httpx.get(manifest, headers=header, verify=tls).status_code == 403, "the old key is refused"
    )
