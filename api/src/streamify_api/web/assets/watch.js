// SPDX-License-Identifier: Apache-2.0
// The watch page: asks the API for playback, which sets the cookies that the CDN wants to see, and plays what it
// names with hls.js or Video.js; tries again where that can help, and says in words what is wrong where it cannot.
"use strict";

window.VIDEOJS_NO_DYNAMIC_STYLE = true; // read by Video.js, which is loaded after this

(() => {
  const ATTEMPTS = 5; // in a row, before we stop and leave it to the retry button
  const FIRST_WAIT_MS = 500;
  const LONGEST_WAIT_MS = 8000;
  const ASK_MS = 10000;
  const STRAGGLERS_MS = 1500;
  const STEADY_SECONDS = 3; // played without trouble: what went wrong before is forgotten
  const HLS_TYPE = "application/vnd.apple.mpegurl";

  const WORDS = {
    address: "This is not the address of a video. Check the link.",
    missing: "This video does not exist, or is no longer here.",
    refused: "You are not allowed to watch this video, or your permission has ended.",
    waiting: "This video is not ready yet. Try again in a few minutes.",
    network: "The video cannot be reached. Check your connection and try again.",
    server: "The service is in trouble and could not start the video. Try again in a moment.",
    decode: "The video cannot be decoded: it is damaged, or this browser cannot play it.",
    unsupported: "This browser cannot play this kind of video. Try a recent one.",
  };
  const BY_STATUS = { 400: "address", 401: "refused", 403: "refused", 404: "missing", 409: "waiting", 410: "missing" };

  class Trouble extends Error {
    constructor(kind, retryAfterMs = 0) {
      super(WORDS[kind]);
      this.kind = kind;
      this.retryAfterMs = retryAfterMs;
      this.mayPass = kind === "network" || kind === "server";
    }
  }

  const find = (id) => document.getElementById(id);
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const backOff = (attempt) => Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
  const say = (text) => {
    find("status").textContent = text;
  };

  let page; // the <main> element
  let player; // what start() made: { video, load(url), resume(url), instance }
  let playback; // the API's last answer
  let renewal; // timer that asks for fresh cookies before the old ones end
  let failures = 0; // in a row
  let refusals = 0;
  let steadyFrom = 0; // position from which playing counts as steady

  // --- the API ----------------------------------------------------------------------------------------------------
  async function askOnce() {
    let response;
    try {
      response = await fetch(`/v1/videos/${encodeURIComponent(page.dataset.videoId)}/playback`, {
        credentials: "include",
        cache: "no-store",
        headers: { accept: "application/json" },
        signal: AbortSignal.timeout(ASK_MS),
      });
      if (response.ok) {
        const answer = await response.json();
        return { ...answer, now: Date.parse(response.headers.get("date")) || Date.now() };
      }
    } catch {
      throw new Trouble("network");
    }
    throw new Trouble(BY_STATUS[response.status] ?? "server", 1000 * Number(response.headers.get("retry-after")) || 0);
  }

  async function ask() {
    for (let attempt = 0; ; attempt += 1) {
      try {
        playback = await askOnce();
        scheduleRenewal();
        return playback;
      } catch (trouble) {
        if (!trouble.mayPass || attempt + 1 >= ATTEMPTS) throw trouble;
        say("Cannot reach the service, trying again …");
        await sleep(Math.max(backOff(attempt), Math.min(trouble.retryAfterMs, LONGEST_WAIT_MS)));
      }
    }
  }

  function scheduleRenewal() {
    clearTimeout(renewal);
    // By the server's clock: ours may be wrong.
    const left = Date.parse(playback.expires_at) - playback.now;
    if (!Number.isFinite(left)) return;
    const early = Math.min(60000, left / 5);
    renewal = setTimeout(() => ask().catch(() => {}), Math.max(1000, Math.min(left - early, 2 ** 31 - 1)));
  }

  // --- trouble ----------------------------------------------------------------------------------------------------
  function giveUp(trouble) {
    clearTimeout(renewal);
    say("");
    find("problem-text").textContent = trouble.kind ? trouble.message : WORDS.server;
    find("problem").hidden = false;
    find("problem").dataset.kind = trouble.kind ?? "server";
    find("retry").focus();
  }

  async function begin() {
    find("problem").hidden = true;
    say("Loading …");
    failures = 0;
    refusals = 0;
    try {
      player ??= page.dataset.player === "videojs" ? startVideoJs() : startHls();
      await ask();
      player.load(playback.manifest_url);
    } catch (trouble) {
      giveUp(trouble);
    }
  }

  // The player cannot go on by itself, or the CDN refused it something: fresh cookies, then on from where it stood.
  let recovering = false;
  let recoveredAt = 0;
  async function recover(kind, status, isFatal = true) {
    // Answers to what was asked for before the fresh cookies came may still be under way.
    if (recovering || (!isFatal && Date.now() < recoveredAt + STRAGGLERS_MS)) return;
    if (status === 403) refusals += 1;
    failures += 1;
    if (refusals > 1) return giveUp(new Trouble("refused"));
    if (status === 404 && failures > 1) return giveUp(new Trouble("missing"));
    if (failures > ATTEMPTS) return giveUp(new Trouble(kind));
    recovering = true;
    try {
      say("Connection lost, trying again …");
      if (status !== 403) await sleep(backOff(failures - 1));
      await ask();
      steadyFrom = player.video().currentTime;
      player.resume(playback.manifest_url);
    } catch (trouble) {
      giveUp(trouble);
    } finally {
      recovering = false;
      recoveredAt = Date.now();
    }
  }

  // --- players ----------------------------------------------------------------------------------------------------
  // Cookies go to the CDN that the API named, and to nobody else.
  const isOurs = (url) => new URL(url, location.href).origin === new URL(playback.manifest_url).origin;

  function startHls() {
    const video = find("video");
    if (!window.Hls?.isSupported()) return startNative(video);
    let decodeFailures = 0;
    const hls = new window.Hls({
      workerPath: page.dataset.worker,
      xhrSetup: (xhr, url) => {
        xhr.withCredentials = isOurs(url);
      },
    });
    hls.on(window.Hls.Events.ERROR, (_, data) => {
      if (data.response?.code === 403) {
        recover("network", 403, data.fatal);
      } else if (!data.fatal) {
        // hls.js tries again by itself
      } else if (data.type === window.Hls.ErrorTypes.NETWORK_ERROR) {
        recover("network", data.response?.code);
      } else if (data.type === window.Hls.ErrorTypes.MEDIA_ERROR && decodeFailures < 2) {
        decodeFailures += 1;
        hls.recoverMediaError();
      } else {
        giveUp(new Trouble("decode"));
      }
    });
    hls.attachMedia(video);
    return {
      instance: hls,
      video: () => video,
      load: (url) => hls.loadSource(url),
      resume: (url) => {
        if (hls.levels.length === 0) return hls.loadSource(url);
        hls.stopLoad();
        return hls.startLoad(video.currentTime);
      },
    };
  }

  function startNative(video) {
    if (!video.canPlayType(HLS_TYPE)) throw new Trouble("unsupported");
    video.crossOrigin = "use-credentials";
    video.addEventListener("error", () => {
      if (!video.src) return;
      if (video.error?.code === MediaError.MEDIA_ERR_DECODE) giveUp(new Trouble("decode"));
      else recover("network");
    });
    const load = (url) => {
      video.src = url;
    };
    return { instance: null, video: () => video, load, resume: (url) => goOn(video, () => load(url)) };
  }

  function startVideoJs() {
    if (!window.videojs) throw new Trouble("network");
    const vhs = { overrideNative: true, withCredentials: true };
    const instance = window.videojs("video", {
      controls: true,
      fill: true,
      errorDisplay: false, // our own words below the picture
      userActions: { hotkeys: false }, // our own keys
      html5: { vhs, nativeAudioTracks: false, nativeVideoTracks: false },
    });
    const video = () => find("stage").querySelector("video");
    instance.on("error", () => {
      const error = instance.error();
      if (error?.code === MediaError.MEDIA_ERR_DECODE) giveUp(new Trouble("decode"));
      else if (error) recover("network", error.status);
    });
    // Video.js would drop the rendition that was refused, and go on with the next one.
    window.videojs.Vhs.xhr.onResponse((_request, _error, response) => {
      if (response?.statusCode === 403) recover("network", 403, false);
    });
    const load = (url) => instance.src({ src: url, type: HLS_TYPE, withCredentials: true });
    return { instance, video, load, resume: (url) => goOn(video(), () => load(url)) };
  }

  // Loads anew, then goes on where it stood.
  function goOn(video, load) {
    const { currentTime, paused } = video;
    const back = () => {
      video.currentTime = currentTime;
      if (!paused) video.play().catch(() => {});
    };
    video.addEventListener("loadedmetadata", back, { once: true });
    load();
  }

  // --- what the viewer sees and does ------------------------------------------------------------------------------
  function watchVideo(video) {
    const on = (name, act) => video.addEventListener(name, act);
    on("resize", () => {
      const short = Math.min(video.videoWidth, video.videoHeight);
      find("quality").textContent = short > 0 ? `${short}p` : "–";
    });
    on("loadeddata", () => say("Ready"));
    on("playing", () => say("Playing"));
    on("waiting", () => say("Loading …"));
    on("pause", () => say(video.ended ? "The end" : "Paused"));
    on("ended", () => say("The end"));
    on("seeking", () => {
      steadyFrom = video.currentTime;
    });
    on("timeupdate", () => {
      if (failures + refusals > 0 && video.currentTime > steadyFrom + STEADY_SECONDS) {
        failures = 0;
        refusals = 0;
      }
    });
  }

  function togglePlay(video) {
    if (video.paused) video.play().catch(() => say("Press play to start"));
    else video.pause();
  }

  function toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (find("stage").requestFullscreen) find("stage").requestFullscreen().catch(() => {});
    else find("video")?.webkitEnterFullscreen?.(); // iPhone
  }

  function seek(video, seconds) {
    const end = Number.isFinite(video.duration) ? video.duration : Infinity;
    video.currentTime = Math.max(0, Math.min(end, video.currentTime + seconds));
  }

  function turn(video, change) {
    video.volume = Math.max(0, Math.min(1, video.volume + change));
    say(`Volume ${Math.round(video.volume * 100)} %`);
  }

  const KEYS = {
    " ": togglePlay,
    k: togglePlay,
    ArrowLeft: (video) => seek(video, -5),
    ArrowRight: (video) => seek(video, 5),
    ArrowUp: (video) => turn(video, 0.1),
    ArrowDown: (video) => turn(video, -0.1),
    m: (video) => {
      video.muted = !video.muted;
      say(video.muted ? "Sound off" : "Sound on");
    },
    f: toggleFullscreen,
  };

  function onKey(event) {
    if (!player || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    // Whatever has the focus and knows what to do with the key keeps it.
    if (event.target.closest("button, summary, a, input, select, textarea, [role=slider], [role=menuitemradio]")) return;
    const isPlain = player.instance === null || page.dataset.player === "hls";
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    // A focused <video controls> handles these itself, for its own buttons too.
    if (isPlain && event.target instanceof HTMLVideoElement && !"mfk".includes(key)) return;
    const act = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (!act) return;
    event.preventDefault();
    act(player.video());
  }

  document.addEventListener("DOMContentLoaded", () => {
    page = find("watch");
    find("retry").addEventListener("click", begin);
    document.addEventListener("keydown", onKey);
    // Events of media elements do not bubble, and Video.js keeps this very element.
    watchVideo(find("video"));
    begin();
    window.streamify = {
      get video() {
        return player ? player.video() : find("video");
      },
      get player() {
        return player?.instance;
      },
      get playback() {
        return playback;
      },
      renew: ask,
    };
  });
})();
