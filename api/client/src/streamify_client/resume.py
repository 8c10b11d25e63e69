# SPDX-License-Identifier: Apache-2.0
"""What this machine remembers of uploads that are not done, so that the same command goes on where it stopped.

Nothing here is needed for that: storage's own list of parts is the truth, `--resume` names an upload on any machine.
The request_id is written before the upload is created, so that no kill, at whatever moment, makes two uploads.
"""

import contextlib
import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path


def state_folder() -> Path:
    """Where it is kept: $XDG_STATE_HOME/streamify/uploads (https://specifications.freedesktop.org/basedir/latest/)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "streamify" / "uploads"


@dataclass(frozen=True)
class Remembered:
    """An upload that may not be done.

    Attributes:
        request_id: of its CreateUpload.
        size_bytes: of the file when it began.
        modified_ns: when the file was last modified, in nanoseconds since 1970.
        title: of the video.
        playback_policy: number of the video's policy.
        upload_id: "" until the platform has answered.
    """

    request_id: str
    size_bytes: int
    modified_ns: int
    title: str
    playback_policy: int = 0
    upload_id: str = ""


class Memory:
    """What is remembered of one file on one platform; a folder that cannot be written is no error."""

    def __init__(self, target: str, path: Path, folder: Path | None = None) -> None:
        """Args:
        target: host:port of the platform.
        path: the file.
        folder: where to keep it; `state_folder()` by default.
        """
        self._source = path
        name = hashlib.sha256(f"{target}\0{path.resolve()}".encode()).hexdigest()[:32]
        self._path = (folder or state_folder()) / f"{name}.json"

    def recall(self, title: str, playback_policy: int = 0) -> Remembered:
        """What is remembered if file, title and policy are still the same; else a new beginning, not written yet."""
        found = self._source.stat()
        fresh = Remembered(str(uuid.uuid4()), found.st_size, found.st_mtime_ns, title, playback_policy)
        try:
            known = Remembered(**json.loads(self._path.read_text()))
        except (OSError, ValueError, TypeError):
            return fresh
        is_same = replace(known, request_id=fresh.request_id, upload_id="") == fresh
        return known if is_same else fresh

    def keep(self, remembered: Remembered) -> None:
        """Write it down, all of it or nothing."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = self._path.with_suffix(f".{os.getpid()}.partial")
            partial.write_text(json.dumps(asdict(remembered)))
            partial.replace(self._path)

    def forget(self) -> None:
        """The upload is over."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
