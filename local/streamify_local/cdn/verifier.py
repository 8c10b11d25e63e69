# SPDX-License-Identifier: Apache-2.0
"""Answers nginx's auth_request: python -m streamify_local.cdn.verifier --socket PATH. When in trouble, nothing passes.

It is told the viewer's request in X-Viewer-* headers and answers 204 with X-Origin-Host (the distribution's domain
name), X-Cache-Generation (how often the path was invalidated) and X-Cors-* headers, or 403 with X-Error-Code and
X-Error-Message. Preflight requests it answers itself.
"""

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .distributions import Catalog, cors_headers, select
from .signatures import DeniedError, Request, verify

REFRESH_SECONDS = 2.0
_log = logging.getLogger("cdn.verifier")

type Answer = tuple[int, dict[str, str]]


def answer(catalog: Catalog, headers: Mapping[str, str], now: float) -> Answer:
    """Status and headers for a viewer's request.

    Args:
        headers: nginx's, names in lower case.
        now: seconds since the epoch.
    """
    path = unquote(urlsplit(headers["x-viewer-uri"]).path)
    if not path.startswith("/") or {"", ".", ".."} & set(path.split("/")[1:-1]) or path.endswith(("/.", "/..")):
        return _denied(DeniedError("AccessDenied", "Access denied"))  # nginx would ask the origin for another path
    distribution = select(catalog.current(), headers.get("x-viewer-host", ""))
    if distribution is None:
        return _denied(DeniedError("AccessDenied", "No distribution has this name"))
    behavior = distribution.behavior(path)
    origin = headers.get("origin", "")
    if headers.get("x-viewer-method") == "OPTIONS":
        return 204, {**cors_headers(behavior.cors, origin, preflight=True), "Vary": "Origin"}
    if behavior.keys is not None:
        url = f"https://{headers.get('x-viewer-host', '')}{headers['x-viewer-uri']}"
        request = Request(url, _cookies(headers.get("cookie", "")), headers.get("x-viewer-address", ""))
        try:
            verify(request, behavior.keys, now)
        except DeniedError as denied:
            return _denied(denied)
    cors = cors_headers(behavior.cors, origin, preflight=False)
    handed = {name.replace("Access-Control-", "X-Cors-"): value for name, value in cors.items()}
    generation = str(distribution.generation(path))
    return 204, {"X-Origin-Host": distribution.domain_name, "X-Cache-Generation": generation, **handed}


def _denied(error: DeniedError) -> Answer:
    return 403, {"X-Error-Code": error.code, "X-Error-Message": str(error)}


def _cookies(header: str) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    return {name: value for name, _, value in pairs if name}


async def _serve_one(catalog: Catalog, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(10):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        pairs = (line.partition(":") for line in head.split("\r\n")[1:] if line)
        status, headers = answer(catalog, {name.lower(): value.strip() for name, _, value in pairs}, time.time())
    except Exception as error:  # whatever it is: closed, and nginx answers 500
        _log.warning("refused: %r", error)
        status, headers = 500, {}
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "Content-Length: 0", "Connection: close", "", ""]).encode("latin-1"))
    writer.close()


async def _refresh_forever(catalog: Catalog) -> None:
    complaint = ""
    while True:
        try:
            await asyncio.to_thread(catalog.refresh)
            complaint = ""
        except Exception as error:
            if str(error) != complaint:
                _log.warning("distributions cannot be read: %r", error)
            complaint = str(error)
        await asyncio.sleep(REFRESH_SECONDS)


async def _run(path: Path) -> None:
    catalog, stop = Catalog(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_unix_server(lambda r, w: _serve_one(catalog, r, w), path)
    async with server:
        refreshing = asyncio.create_task(_refresh_forever(catalog))
        await stop.wait()
        refreshing.cancel()


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", required=True, type=Path)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    asyncio.run(_run(parser.parse_args().socket))
    return 0


if __name__ == "__main__":
    sys.exit(main())
