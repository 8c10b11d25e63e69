# SPDX-License-Identifier: Apache-2.0
"""Presigned PUTs by the thousand: Signature Version 4 in the query, with what many URLs share computed once.

The key of the day, the hash of the common beginning of the canonical requests and both halves of the HMAC are kept as
hash states and copied for each URL, which then costs a few microseconds. botocore is the oracle in the tests.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

from streamify_api.adapters.sigv4 import ALGORITHM, Credentials, SigningScope


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """Where a bucket is: scheme and host (with a port that is not the scheme's own), and the path before the key."""

    scheme: str
    host: str
    path: str

    @classmethod
    def of_url(cls, url: str, key: str) -> "BucketAddress":
        """From the URL of one of the bucket's objects, as the SDK makes it.

        Raises:
            ValueError: the URL is not that of the key.
        """
        parts = urlsplit(url)
        path = parts.path.removesuffix(quote(key, safe="/~"))
        if not path.endswith("/") or not parts.hostname:
            raise ValueError("the URL is not one of that key")
        default = {"http": 80, "https": 443}[parts.scheme]
        host = parts.hostname if parts.port in {None, default} else f"{parts.hostname}:{parts.port}"
        return cls(parts.scheme, host, path)


class S3Presigner:
    """Makes presigned PUTs for one bucket.

    Args:
        address: where the bucket is.
        region: the bucket's.
    """

    def __init__(self, address: BucketAddress, region: str) -> None:
        self._address = address
        self._scope = SigningScope(region, "s3")

    def parts(
        self,
        credentials: Credentials,
        now: datetime,
        seconds: int,
        key: str,
        upload_id: str,
        parts: Iterable[tuple[int, int, str | None]],
        checksum_header: str | None = None,
    ) -> list[str]:
        """One URL for each part of a multipart upload.

        Args:
            credentials: who signs.
            now: the time of signing, in UTC.
            seconds: how long the URLs work.
            key: the object's key.
            upload_id: S3's id of the multipart upload.
            parts: number, length in bytes and checksum of each, in the order of the answer.
            checksum_header: name of the header that a checksum is signed in, such as x-amz-checksum-sha256.
        """
        tail = f"&uploadId={quote(upload_id, safe='-_.~')}"
        plain = _Batch(self, credentials, now, seconds, key, {"content-length"}, "&partNumber=")
        summed = plain
        if checksum_header is not None:
            summed = _Batch(self, credentials, now, seconds, key, {"content-length", checksum_header}, "&partNumber=")
        urls = []
        for number, length, checksum in parts:
            if checksum is None:
                urls.append(plain.url(f"{number}{tail}", f"content-length:{length}\nhost:{self._address.host}\n"))
            else:
                headers = f"content-length:{length}\nhost:{self._address.host}\n{checksum_header}:{checksum}\n"
                urls.append(summed.url(f"{number}{tail}", headers))
        return urls

    def put(self, credentials: Credentials, now: datetime, seconds: int, key: str, headers: Mapping[str, str]) -> str:
        """The URL of a PUT of a whole object; all its headers are signed (lower-case names)."""
        batch = _Batch(self, credentials, now, seconds, key, headers.keys(), "")
        signed = sorted({**headers, "host": self._address.host}.items())
        return batch.url("", "".join(f"{name}:{' '.join(value.split())}\n" for name, value in signed))

    @property
    def address(self) -> BucketAddress:
        """Where the bucket is."""
        return self._address

    @property
    def scope(self) -> SigningScope:
        """Whom the signatures are for."""
        return self._scope


class _Batch:
    """URLs of one key that differ in the end of their query and in the headers' values."""

    def __init__(
        self,
        presigner: S3Presigner,
        credentials: Credentials,
        now: datetime,
        seconds: int,
        key: str,
        headers: Iterable[str],
        query_tail: str,
    ) -> None:
        day, stamp = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
        scope = presigner.scope.of(day)
        signed = ";".join(sorted({*headers, "host"}))
        # In the order of their bytes, which puts X-Amz- before partNumber and uploadId.
        query: Sequence[tuple[str, str]] = (
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", f"{credentials.access_key}/{scope}"),
            ("X-Amz-Date", stamp),
            ("X-Amz-Expires", str(seconds)),
            *((("X-Amz-Security-Token", credentials.token),) if credentials.token else ()),
            ("X-Amz-SignedHeaders", signed),
        )
        common = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in query) + query_tail
        path = presigner.address.path + quote(key, safe="/~")
        self._begun = hashlib.sha256(f"PUT\n{path}\n{common}".encode())
        self._end = f"\n{signed}\nUNSIGNED-PAYLOAD"
        self._sign = presigner.scope.key(credentials.secret_key, day).signer(
            f"{ALGORITHM}\n{stamp}\n{scope}\n".encode()
        )
        self._url = f"{presigner.address.scheme}://{presigner.address.host}{path}?{common}"

    def url(self, query_end: str, headers: str) -> str:
        """One URL, signed. `headers` are the canonical ones, a line each."""
        request = self._begun.copy()
        request.update(f"{query_end}\n{headers}{self._end}".encode())
        signature = self._sign(request.hexdigest().encode())
        return f"{self._url}{query_end}&X-Amz-Signature={signature}"
