# SPDX-License-Identifier: Apache-2.0
"""The playback request as one would write it with FastAPI and uvicorn, for `make bench`: the work and nothing else.

Does what the API does: checks the bearer token (remembered until it expires), finds the video in memory, signs the
CDN's policy (remembered for each video and minute), makes or reads the session's token, answers with JSON and cookies,
counts in a Prometheus histogram, writes one JSON line. The middleware is plain ASGI, labels are resolved once, logs are
bytes: the fast ways of this stack. Usage: fastapi_peer.py CONFIGURATION.json, see playback.py.
"""

import base64
import json
import secrets
import sys
import time
from email.utils import formatdate
from pathlib import Path
from typing import Annotated, Any, Literal

import jwt
import orjson
import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from prometheus_client import Histogram
from pydantic import BaseModel

CONFIGURATION = json.loads(Path(sys.argv[1]).read_text())
VIDEOS = {video["video_id"]: video for video in CONFIGURATION["videos"]}
CDN_URL = CONFIGURATION["cdn_url"]
SIGNING_KEY = load_pem_private_key(CONFIGURATION["signing_key"].encode(), password=None)
TOKEN_KEY = jwt.PyJWK(CONFIGURATION["jwk"])
SESSION_KEY = secrets.token_bytes(32)
SESSION_SECONDS, GRANT_SECONDS, BUCKET = 43_200, 3_600, 60

Delivery = Literal["cookies", "query"]
callers: dict[str, tuple[float, dict[str, Any]]] = {}
grants: dict[tuple[str, int], tuple[str, list[tuple[bytes, bytes]]]] = {}
seconds_by = Histogram("http_request_seconds", "HTTP requests.", ("route", "method", "status"))
labelled: dict[tuple[str, str, int], Any] = {}
app = FastAPI()


class Playback(BaseModel):
    """What a player is told."""

    video_id: str
    title: str
    manifest_url: str
    expires_at: str
    delivery: Delivery
    query: str | None
    session_token: str
    session_ends_at: str
    stale: bool


class Renewal(BaseModel):
    """What renewal takes."""

    session_token: str


def caller(authorization: Annotated[str, Header()]) -> dict[str, Any]:
    """Who asks."""
    token = authorization.removeprefix("Bearer ")
    known = callers.get(token)
    if known is not None and known[0] > time.time():
        return known[1]
    try:
        claims: dict[str, Any] = jwt.decode(
            token, TOKEN_KEY, algorithms=["ES256"], issuer=CONFIGURATION["issuer"], audience=CONFIGURATION["audience"]
        )
    except jwt.PyJWTError:
        raise HTTPException(401) from None
    callers[token] = (claims["exp"], claims)
    return claims


def cloudfront_base64(value: bytes) -> str:
    """Base64 with CloudFront's characters."""
    return base64.b64encode(value).decode().translate(str.maketrans("+=/", "-_~"))


def grant(root: str, expires: int) -> tuple[str, list[tuple[bytes, bytes]]]:
    """The signed query and the cookies of a policy, made once a minute."""
    key = (root, expires)
    if key not in grants:
        condition = {"DateLessThan": {"AWS:EpochTime": expires}}
        policy = orjson.dumps({"Statement": [{"Resource": f"{CDN_URL}/{root}/*", "Condition": condition}]})
        assert isinstance(SIGNING_KEY, ec.EllipticCurvePrivateKey)
        signature = SIGNING_KEY.sign(policy, ec.ECDSA(hashes.SHA256()))
        fields = {
            "Policy": cloudfront_base64(policy),
            "Signature": cloudfront_base64(signature),
            "Key-Pair-Id": CONFIGURATION["key_id"],
            "Hash-Algorithm": "SHA256",
        }
        tail = f"; Expires={formatdate(expires, usegmt=True)}; Secure; HttpOnly; Path=/{root}/; SameSite=Lax"
        cookies = [(b"set-cookie", f"CloudFront-{name}={value}{tail}".encode()) for name, value in fields.items()]
        grants[key] = ("&".join(f"{name}={value}" for name, value in fields.items()), cookies)
    return grants[key]


def answer(response: Response, video: dict[str, Any], delivery: Delivery, session_id: str, end: int) -> Playback:
    """Cookies and body."""
    root = f"v/{video['media_prefix']}"
    expires = -(-(int(time.time()) + GRANT_SECONDS) // BUCKET) * BUCKET
    query, cookies = grant(root, expires)
    claims = {"aud": "session", "jti": session_id, "sub": video["video_id"], "dlv": delivery, "exp": end}
    response.headers["Cache-Control"] = "no-store"
    if delivery == "cookies":
        response.raw_headers.extend(cookies)
    return Playback(
        video_id=video["video_id"],
        title=video["title"],
        manifest_url=f"{CDN_URL}/{root}/master.m3u8",
        expires_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires)),
        delivery=delivery,
        query=query if delivery == "query" else None,
        session_token=jwt.encode(claims, SESSION_KEY, algorithm="HS256"),
        session_ends_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)),
        stale=False,
    )


@app.get("/v1/videos/{video_id}/playback")
async def open_playback(
    video_id: str,
    response: Response,
    who: Annotated[dict[str, Any], Depends(caller)],
    delivery: Delivery = "cookies",
) -> Playback:
    """Open a session."""
    video = VIDEOS.get(video_id)
    if video is None or "tenant" not in who:
        raise HTTPException(404)
    return answer(response, video, delivery, secrets.token_hex(16), int(time.time()) + SESSION_SECONDS)


@app.post("/v1/playback/renew")
async def renew_playback(body: Renewal, response: Response) -> Playback:
    """Go on with one."""
    try:
        claims = jwt.decode(body.session_token, SESSION_KEY, algorithms=["HS256"], audience="session")
    except jwt.PyJWTError:
        raise HTTPException(400) from None
    video = VIDEOS.get(claims["sub"])
    if video is None:
        raise HTTPException(404)
    return answer(response, video, claims["dlv"], claims["jti"], claims["exp"])


class Observed:
    """Request id, metrics and the access line, round the application."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        begin = time.perf_counter()
        request_id = Request(scope).headers.get("x-request-id") or secrets.token_hex(16)
        status = 500

        async def observed(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            await self._inner(scope, receive, observed)
        finally:
            seconds = time.perf_counter() - begin
            route = scope["route"].path if "route" in scope else "(unknown)"
            key = (route, scope["method"], status)
            if key not in labelled:
                labelled[key] = seconds_by.labels(*map(str, key))
            labelled[key].observe(seconds)
            line = {
                "event": "access",
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "request_id": request_id,
                "level": "info",
                "timestamp": time.time(),
            }
            sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvicorn.run(
        Observed(app),
        port=CONFIGURATION["port"],
        http="httptools",
        loop="uvloop",
        access_log=False,
        lifespan="off",
        log_level="warning",
    )
