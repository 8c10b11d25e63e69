# SPDX-License-Identifier: Apache-2.0
"""The sample plays on the watch page, in a real browser that trusts nothing but the local CA."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, sync_playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
)

# A frame drawn on a canvas is readable because media source streams are same-origin; a black or frozen picture has
# one colour. Chromium counts the bytes of sound that it decoded.
MEASURE = """() => {
  const video = document.querySelector("video");
  const canvas = Object.assign(document.createElement("canvas"), {width: 64, height: 36});
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 64, 36);
  const pixels = context.getImageData(0, 0, 64, 36).data;
  const colours = new Set();
  for (let i = 0; i < pixels.length; i += 4) colours.add(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
  return {time: video.currentTime, width: video.videoWidth, height: video.videoHeight, colours: colours.size,
          sound: video.webkitAudioDecodedByteCount, picture: video.webkitVideoDecodedByteCount,
          error: video.error?.message};
}"""


@pytest.fixture
def trusting_home(outputs: dict[str, str], tmp_path: Path) -> Path:
    """A home folder in which Chromium trusts the local authority, made the way the README says."""
    database = tmp_path / ".pki" / "nssdb"
    database.mkdir(parents=True)
    subprocess.run(["certutil", "-d", f"sql:{database}", "-N", "--empty-password"], check=True)
    trust = ["-A", "-t", "C", "-n", "streamify-local", "-i", outputs["ca_file"]]
    subprocess.run(["certutil", "-d", f"sql:{database}", *trust], check=True)
    return tmp_path


@pytest.fixture
def page(trusting_home: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            trusting_home / "profile",
            executable_path=CHROMIUM,
            args=[*QUIET, "--no-sandbox"],
            env={**os.environ, "HOME": str(trusting_home)},
            viewport={"width": 1280, "height": 800},
        )
        opened = browser.new_page()
        yield opened
        browser.close()


@pytest.mark.parametrize("player", ["hls", "videojs"])
def test_the_sample_plays_with_picture_and_sound(
    player: str, page: Page, outputs: dict[str, str], artefacts: Path
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(outputs["watch_url"] + ("?player=videojs" if player == "videojs" else ""))
    page.wait_for_selector("video")
    page.evaluate("() => { document.querySelector('video').play().catch(() => {}); }")
    page.wait_for_function("() => document.querySelector('video').currentTime > 5", timeout=60_000)
    measured: dict[str, Any] = page.evaluate(MEASURE)
    page.screenshot(path=artefacts / f"watch-{player}.png")
    assert measured["width"] > 0, measured
    assert measured["colours"] > 8, measured
    assert measured["picture"] > 0, measured
    assert measured["sound"] > 0, measured
    assert measured["error"] is None, measured
    assert problems == []
    uses_videojs = page.evaluate("() => document.querySelector('.video-js') !== null")
    assert uses_videojs == (player == "videojs")


def test_the_page_works_by_keyboard(page: Page, outputs: dict[str, str]) -> None:
    page.goto(outputs["watch_url"])
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 2", timeout=30_000)
    page.evaluate("() => document.querySelector('video').pause()")
    page.locator("body").press("Space")
    page.wait_for_function("() => !document.querySelector('video').paused", timeout=10_000)
    page.locator("body").press("Space")
    page.wait_for_function("() => document.querySelector('video').paused", timeout=10_000)
    before = page.evaluate("() => document.querySelector('video').currentTime")
    page.locator("body").press("ArrowRight")
    page.wait_for_function(f"() => document.querySelector('video').currentTime > {before}", timeout=10_000)


def test_an_unknown_video_is_explained_in_words(page: Page, outputs: dict[str, str]) -> None:
    page.goto(outputs["watch_url"].replace(outputs["sample_video_id"], "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    assert page.get_by_role("alert").inner_text() == "There is no such video."


# A site of another registrable domain. Its pages are handed to the browser by the test; what they ask of API and CDN
# goes over the network, with this origin.
ELSEWHERE = "https://player.elsewhere.test"
PLAYER = """<!doctype html><title>Elsewhere</title><video muted></video>
<script src="{script}"></script>"""
PLAY = """([manifest, query]) => new Promise((told) => {
  const open = (xhr, url) => query ? xhr.open("GET", url + "?" + query, true) : (xhr.withCredentials = true);
  const hls = new Hls({enableWorker: false, xhrSetup: open});
  hls.on(Hls.Events.ERROR, (_, data) => told(data.details));
  hls.on(Hls.Events.MANIFEST_PARSED, () => told("plays"));
  hls.loadSource(manifest);
  hls.attachMedia(document.querySelector("video"));
  document.querySelector("video").play().catch(() => {});
})"""
OPEN = """async ([api, id, delivery]) => {
  const answer = await fetch(`${api}/v1/videos/${id}/playback?delivery=${delivery}`, {credentials: "include"});
  return await answer.json();
}"""


@pytest.fixture
def elsewhere(trusting_home: Path, outputs: dict[str, str], http: httpx.Client) -> Iterator[Page]:
    """A page of another site, in a browser that blocks third-party cookies."""
    preferences = trusting_home / "profile" / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text(json.dumps({"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": True}}))

    # hls.js carries its content's hash in its name: the watch page knows it.
    named = re.search(r'"(/assets/vendor/hls\.min\.[^"]+)"', http.get(outputs["watch_url"]).text)
    assert named is not None
    script = outputs["http_url"] + named[1]

    def hand(route: Route) -> None:
        route.fulfill(content_type="text/html", body=PLAYER.format(script=script))

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            trusting_home / "profile",
            executable_path=CHROMIUM,
            # A page from the wide web may ask this machine for nothing, were it not for the last one.
            args=[*QUIET, "--no-sandbox", "--disable-features=LocalNetworkAccessChecks"],
            env={**os.environ, "HOME": str(trusting_home)},
        )
        opened = browser.new_page()
        opened.route(f"{ELSEWHERE}/**", hand)
        opened.goto(f"{ELSEWHERE}/")
        assert opened.evaluate("() => location.origin") == ELSEWHERE
        yield opened
        browser.close()


def test_a_player_on_another_site_plays_through_the_signed_query(
    elsewhere: Page, outputs: dict[str, str], artefacts: Path
) -> None:
    playback = elsewhere.evaluate(OPEN, [outputs["http_url"], outputs["sample_video_id"], "query"])
    assert elsewhere.evaluate(PLAY, [playback["manifest_url"], playback["query"]]) == "plays"
    elsewhere.wait_for_function("() => document.querySelector('video').currentTime > 5", timeout=60_000)
    measured: dict[str, Any] = elsewhere.evaluate(MEASURE)
    elsewhere.screenshot(path=artefacts / "elsewhere.png")
    assert measured["colours"] > 8, measured
    assert measured["picture"] > 0, measured
    assert measured["error"] is None, measured
    assert [cookie for cookie in elsewhere.context.cookies() if cookie.get("name", "").startswith("CloudFront")] == []


def test_without_the_signed_query_the_cdn_refuses_a_player_on_another_site(
    elsewhere: Page, outputs: dict[str, str]
) -> None:
    playback = elsewhere.evaluate(OPEN, [outputs["http_url"], outputs["sample_video_id"], "cookies"])
    assert elsewhere.evaluate(PLAY, [playback["manifest_url"], ""]) == "manifestLoadError"
    # A script is not told why: the browser itself is.
    answer = elsewhere.context.new_page().goto(playback["manifest_url"])
    assert answer is not None
    assert answer.status == 403
    assert [cookie for cookie in elsewhere.context.cookies() if cookie.get("name", "").startswith("CloudFront")] == []
    assert elsewhere.evaluate("() => document.querySelector('video').readyState") == 0
