# SPDX-License-Identifier: Apache-2.0
"""Watching: a manifest on the CDN and what opens it. Writes nothing; a session is a signed token."""

import secrets
from datetime import timedelta

from streamify_api.domain.errors import video_not_found
from streamify_api.domain.ids import parse_video_id
from streamify_api.domain.playback import Delivery, Playback, Session, expiry
from streamify_api.domain.viewers import ANYBODY, Viewer
from streamify_api.services.ports import Clock, FoundVideo, PlaybackSigner, PublishedVideos, SessionTokens


class Playbacks:
    """The use cases of watching.

    Args:
        published: what anybody may watch.
        signer: opens the CDN.
        sessions: makes and reads tokens.
        clock: tells the time.
        cdn_url: origin of the CDN, without a slash at its end.
        lifetime: how long a player may go on with what it was given.
        session_lifetime: how long it may ask for more; the last grant may outlive that by one `lifetime`.
    """

    def __init__(
        self,
        published: PublishedVideos,
        signer: PlaybackSigner,
        sessions: SessionTokens,
        clock: Clock,
        cdn_url: str,
        lifetime: timedelta,
        session_lifetime: timedelta,
    ) -> None:
        self._published = published
        self._signer = signer
        self._sessions = sessions
        self._clock = clock
        self._cdn_url = cdn_url
        self._lifetime = lifetime
        self._session_lifetime = session_lifetime

    async def find(self, video_id: str, viewer: Viewer = ANYBODY) -> FoundVideo:
        """A video that this viewer may watch.

        Raises:
            InvalidArgumentError: the id is malformed.
            NotFoundError: there is none, it is not published, or it is another tenant's private one.
            UnauthenticatedError, PermissionDeniedError: its policy wants a viewer with a token, and with the scope.
            UnavailableError: nobody who knows can be asked.
        """
        found = await self._published.get(parse_video_id(video_id))
        if found is None:
            raise video_not_found(video_id)
        viewer.require(found.video)
        return found

    async def open(self, video_id: str, delivery: Delivery = Delivery.COOKIES, viewer: Viewer = ANYBODY) -> Playback:
        """What a player needs to watch a published video, in a new session.

        Raises:
            InvalidArgumentError, NotFoundError, UnauthenticatedError, PermissionDeniedError, UnavailableError: as
                find() says.
        """
        found = await self.find(video_id, viewer)
        end_time = (self._clock() + self._session_lifetime).replace(microsecond=0)  # as tokens hold it
        tenant = viewer.tenant if viewer.may_watch else ""
        session = Session(secrets.token_hex(16), video_id, delivery, end_time, tenant)
        return self._playback(found, session)

    async def renew(self, token: str) -> Playback:
        """The same with a later end, in a session that was opened before, on whatever task.

        The session stands for the viewer who opened it; the video's policy is looked at again.

        Raises:
            InvalidArgumentError: the token is none of ours.
            PermissionDeniedError: the session is over.
            NotFoundError: the video is not published any more.
            UnauthenticatedError, UnavailableError: as find() says.
        """
        session = self._sessions.read(token)
        viewer = Viewer(session.tenant, may_watch=bool(session.tenant))
        return self._playback(await self.find(session.video_id, viewer), session)

    def _playback(self, found: FoundVideo, session: Session) -> Playback:
        video = found.video
        expire_time = expiry(self._clock(), self._lifetime)
        return Playback(
            video_id=video.video_id,
            title=video.title,
            manifest_url=f"{self._cdn_url}/{video.media_root}/{video.manifest_path}",
            grant=self._signer.sign(video.media_root, expire_time),
            cookie_path=f"/{video.media_root}/",
            expire_time=expire_time,
            session=session,
            session_token=self._sessions.write(session),
            stale=found.stale,
            age_seconds=found.age_seconds,
        )
