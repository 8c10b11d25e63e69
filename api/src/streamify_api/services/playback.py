# SPDX-License-Identifier: Apache-2.0
"""Watching: a manifest on the CDN and the cookies that open it. Writes nothing."""

from datetime import timedelta

from streamify_api.domain.playback import Playback, expiry
from streamify_api.services.ports import Clock, CookieSigner
from streamify_api.services.videos import Videos


class Playbacks:
    """The use case of watching.

    Args:
        videos: the catalogue.
        signer: makes the cookies.
        clock: tells the time.
        cdn_url: origin of the CDN, without a slash at its end.
        lifetime: how long a player may go on with what it was given.
    """

    def __init__(self, videos: Videos, signer: CookieSigner, clock: Clock, cdn_url: str, lifetime: timedelta) -> None:
        self._videos = videos
        self._signer = signer
        self._clock = clock
        self._cdn_url = cdn_url
        self._lifetime = lifetime

    async def open(self, video_id: str) -> Playback:
        """What a player needs to watch a published video.

        Raises:
            InvalidArgumentError: the id is malformed.
            NotFoundError: there is no such video, or it is not published.
        """
        video = await self._videos.get_published(video_id)
        expire_time = expiry(self._clock(), self._lifetime)
        return Playback(
            video_id=video.video_id,
            title=video.title,
            manifest_url=f"{self._cdn_url}/{video.media_root}/{video.manifest_path}",
            cookies=self._signer.cookies(video.media_root, expire_time),
            cookie_path=f"/{video.media_root}/",
            expire_time=expire_time,
        )
