// SPDX-License-Identifier: Apache-2.0
// The playback request as one would write it with fastify, for `make bench`: the work and nothing beside it, the same as
// fastapi_peer.py does. fast-jwt remembers verified tokens; pino writes the access line. Usage: node fastify_peer.js FILE
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSigner, createVerifier } from "fast-jwt";
import Fastify from "fastify";
import client from "prom-client";

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const videos = new Map(settings.videos.map((video) => [video.video_id, video]));
const signingKey = createPrivateKey(settings.signing_key);
const tokenKey = createPublicKey({ key: settings.jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
const sessionKey = randomBytes(32).toString("hex");
const verifyCaller = createVerifier({
  key: tokenKey,
  algorithms: ["ES256"],
  allowedIss: settings.issuer,
  allowedAud: settings.audience,
  cache: 10_000,
});
// noTimestamp: the session's claims are the ones that are given, as in the others.
const writeSession = createSigner({ key: sessionKey, algorithm: "HS256", noTimestamp: true });
// Not remembered: every session is another token, in the API too.
const readSession = createVerifier({ key: sessionKey, algorithms: ["HS256"], allowedAud: "session" });
const SESSION_SECONDS = 43_200;
const GRANT_SECONDS = 3_600;
const BUCKET = 60;
const grants = new Map();
const histogram = new client.Histogram({
  name: "http_request_seconds",
  help: "HTTP requests.",
  labelNames: ["route", "method", "status"],
});
const labelled = new Map();

const app = Fastify({
  logger: { level: "info" },
  disableRequestLogging: true,
  genReqId: (request) => request.headers["x-request-id"] ?? randomBytes(16).toString("hex"),
});

const cloudfrontBase64 = (value) =>
  value.toString("base64").replace(/[+=/]/g, (letter) => ({ "+": "-", "=": "_", "/": "~" })[letter]);

function grant(root, expires) {
  const key = `${root} ${expires}`;
  let made = grants.get(key);
  if (made === undefined) {
    const policy = Buffer.from(
      JSON.stringify({
        Statement: [
          {
            Resource: `${settings.cdn_url}/${root}/*`,
            Condition: { DateLessThan: { "AWS:EpochTime": expires } },
          },
        ],
      }),
    );
    const fields = {
      Policy: cloudfrontBase64(policy),
      Signature: cloudfrontBase64(sign("sha256", policy, signingKey)),
      "Key-Pair-Id": settings.key_id,
      "Hash-Algorithm": "SHA256",
    };
    const until = new Date(expires * 1000).toUTCString();
    const tail = `; Expires=${until}; Secure; HttpOnly; Path=/${root}/; SameSite=Lax`;
    const pairs = Object.entries(fields);
    made = {
      query: pairs.map(([name, value]) => `${name}=${value}`).join("&"),
      cookies: pairs.map(([name, value]) => `CloudFront-${name}=${value}${tail}`),
    };
    grants.set(key, made);
  }
  return made;
}

function answer(reply, video, delivery, sessionId, end) {
  const root = `v/${video.media_prefix}`;
  const expires = Math.ceil((Math.floor(Date.now() / 1000) + GRANT_SECONDS) / BUCKET) * BUCKET;
  const made = grant(root, expires);
  reply.header("cache-control", "no-store");
  if (delivery === "cookies") {
    reply.header("set-cookie", made.cookies);
  }
  return {
    video_id: video.video_id,
    title: video.title,
    manifest_url: `${settings.cdn_url}/${root}/master.m3u8`,
    expires_at: new Date(expires * 1000).toISOString(),
    delivery,
    query: delivery === "query" ? made.query : null,
    session_token: writeSession({ aud: "session", jti: sessionId, sub: video.video_id, dlv: delivery, exp: end }),
    session_ends_at: new Date(end * 1000).toISOString(),
    stale: false,
  };
}

const text = { type: "string" };
const body = {
  type: "object",
  properties: {
    video_id: text,
    title: text,
    manifest_url: text,
    expires_at: text,
    delivery: text,
    query: { type: ["string", "null"] },
    session_token: text,
    session_ends_at: text,
    stale: { type: "boolean" },
  },
};

app.addHook("onRequest", async (request, reply) => {
  reply.header("x-request-id", request.id);
});
app.addHook("onResponse", async (request, reply) => {
  const key = `${request.routeOptions.url} ${request.method} ${reply.statusCode}`;
  let observer = labelled.get(key);
  if (observer === undefined) {
    observer = histogram.labels(request.routeOptions.url ?? "(unknown)", request.method, String(reply.statusCode));
    labelled.set(key, observer);
  }
  observer.observe(reply.elapsedTime / 1000);
  request.log.info(
    { method: request.method, path: request.url.split("?", 1)[0], status: reply.statusCode, ms: reply.elapsedTime },
    "access",
  );
});
app.get(
  "/v1/videos/:videoId/playback",
  {
    schema: {
      querystring: {
        type: "object",
        properties: { delivery: { type: "string", enum: ["cookies", "query"], default: "cookies" } },
      },
      response: { 200: body },
    },
  },
  async (request, reply) => {
    let who;
    try {
      who = verifyCaller((request.headers.authorization ?? "").replace("Bearer ", ""));
    } catch {
      return reply.code(401).send();
    }
    const video = videos.get(request.params.videoId);
    if (video === undefined || who.tenant === undefined) return reply.code(404).send();
    const end = Math.floor(Date.now() / 1000) + SESSION_SECONDS;
    return answer(reply, video, request.query.delivery, randomBytes(16).toString("hex"), end);
  },
);
app.post(
  "/v1/playback/renew",
  {
    schema: {
      body: { type: "object", required: ["session_token"], properties: { session_token: { type: "string" } } },
      response: { 200: body },
    },
  },
  async (request, reply) => {
    let session;
    try {
      session = readSession(request.body.session_token);
    } catch {
      return reply.code(400).send();
    }
    const video = videos.get(session.sub);
    if (video === undefined) return reply.code(404).send();
    return answer(reply, video, session.dlv, session.jti, session.exp);
  },
);
await app.listen({ port: settings.port, host: "127.0.0.1" });
