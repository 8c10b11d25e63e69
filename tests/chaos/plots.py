# SPDX-License-Identifier: Apache-2.0
"""What callers saw and who served, over time, as SVG. The fault's span is shaded."""

import io
import math
from collections.abc import Sequence

import matplotlib as mpl
from chaos.experiment import Result
from chaos.records import Client, Record, quantile
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_COLOURS = {Client.PLAIN: "#c0392b", Client.ONCE: "#d68910", Client.BACKOFF: "#2471a3"}
_BUCKET = 1.0  # seconds


def draw(result: Result) -> str:
    """Three panels on one axis of time: latency, failures by client, healthy tasks by zone."""
    with mpl.rc_context({"svg.hashsalt": "streamify", "svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(9, 5.2), layout="constrained")
        latency, errors, tasks = figure.subplots(3, 1, sharex=True)
        _latency(latency, result.records)
        _errors(errors, result.records)
        _tasks(tasks, result)
        for axes in (latency, errors, tasks):
            axes.axvspan(result.struck, max(result.ended, result.struck + 0.2), color="#000000", alpha=0.08, lw=0)
            axes.set_xlim(0, result.finished)
            axes.spines[["top", "right"]].set_visible(False)
        tasks.set_xlabel("seconds")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _latency(axes: Axes, records: Sequence[Record]) -> None:
    """Each answer at the time it was due, and the 95th percentile of each second."""
    for ok, colour, label in ((True, "#95a5a6", "answered"), (False, "#c0392b", "failed")):
        shown = [record for record in records if (record.problem is None) is ok]
        axes.plot(
            [record.due for record in shown], [record.seconds * 1000 for record in shown],
            ".", color=colour, markersize=2.5 if ok else 4, label=label,
        )  # fmt: skip
    buckets = _buckets(records)
    moments = sorted(buckets)
    p95 = [quantile((record.seconds for record in buckets[moment]), 0.95) * 1000 for moment in moments]
    axes.plot([moment + _BUCKET / 2 for moment in moments], p95, color="#2c3e50", lw=1, label="95 % below")
    axes.set_yscale("log")
    axes.set_ylabel("wait, ms")
    axes.legend(loc="upper right", frameon=False, ncols=3)


def _errors(axes: Axes, records: Sequence[Record]) -> None:
    for client, colour in _COLOURS.items():
        buckets = _buckets([record for record in records if record.client is client])
        moments = sorted(buckets)
        share = [100 * sum(r.problem is not None for r in buckets[m]) / len(buckets[m]) for m in moments]
        axes.step(moments, share, where="post", color=colour, lw=1.2, label=str(client))
    axes.set_ylim(-3, 103)
    axes.set_ylabel("failed, %")
    axes.legend(loc="upper right", frameon=False, ncols=3)


def _tasks(axes: Axes, result: Result) -> None:
    zones = sorted({zone for _, health in result.health for zone in health.zones})
    moments = [moment for moment, _ in result.health]
    layers = [[health.zones.get(zone, 0) for _, health in result.health] for zone in zones]
    if moments:
        axes.stackplot(moments, layers, step="post", labels=zones, alpha=0.7)
        axes.legend(loc="lower right", frameon=True, ncols=3)
    if not math.isnan(result.recovered):
        axes.axvline(result.recovered, color="#1e8449", lw=1.2, ls="--")
    axes.set_ylabel("healthy tasks")


def _buckets(records: Sequence[Record]) -> dict[float, list[Record]]:
    found: dict[float, list[Record]] = {}
    for record in records:
        found.setdefault(math.floor(record.due / _BUCKET) * _BUCKET, []).append(record)
    return found
