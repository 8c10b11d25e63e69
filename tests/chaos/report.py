# SPDX-License-Identifier: Apache-2.0
"""The report: Markdown and HTML with the same content, the plots as files beside them, the figures as JSON."""

import html
import json
import os
import platform as machine
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chaos import plots
from chaos.experiment import Result
from chaos.judge import judge, share_of_capacity
from chaos.records import Client, error_window, failed, quantile

_HEAD = (
    "fault",
    "balancer",
    *(f"failed, {client}" for client in Client),
    "error window",
    "full capacity",
    "writes",
    "promises",
)
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; font-size: 13px }
th, td { border: 1px solid #ccc; padding: .25rem .5rem; text-align: left }
th { background: #f3f4f6 } .missed { color: #b03a2e; font-weight: 600 } .kept { color: #1e8449 }
.not-judged { color: #9a6700 }
svg { max-width: 100%; height: auto }
"""


def write(folder: Path, results: Sequence[Result], problems: Sequence[str], seed: int) -> None:
    """Write report.md, report.html, the plots and results.json into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {id(result): plots.draw(result) for result in results}
    for result in results:
        (folder / f"{_name(result)}.svg").write_text(drawn[id(result)])
    (folder / "results.json").write_text(json.dumps([figures(result) for result in results], indent=1) + "\n")
    (folder / "report.md").write_text(markdown(results, problems, seed))
    (folder / "report.html").write_text(_html(results, problems, seed, drawn))


def figures(result: Result) -> dict[str, object]:
    """A result as plain values."""
    counts = {str(client): [len(failed(result.of(client))), len(result.of(client))] for client in Client}
    return {
        "fault": result.fault.name,
        "balancer": result.mode,
        "failed_of": counts,
        "error_window_seconds": round(error_window(result.of()), 1),
        "capacity_seconds": round(result.capacity_seconds, 1),
        "lost": len(result.verdict.lost) if result.verdict else None,
        "doubled": len(result.verdict.doubled) if result.verdict else None,
        "acknowledged": result.verdict.acknowledged if result.verdict else None,
        "machine_idle": round(result.idle, 2),
        "rate": round(result.rate, 2),
        "patience_seconds": round(result.pace.patience, 2),
        "measured": result.measured,
        "notes": result.notes,
        "seed": result.seed,
        "promises": {judgement.text: str(judgement) for judgement in judge(result)},
        "problems": sorted({f"{record.client}: {record.kind}: {record.problem}" for record in failed(result.of())}),
    }


def row(result: Result) -> list[str]:
    """The result's line in the table."""
    cells = [result.fault.name, result.mode]
    for client in Client:
        records = result.of(client)
        cells.append(f"{len(failed(records))} of {len(records)}")
    cells.append(f"{error_window(result.of()):.1f} s")
    cells.append(f"{result.capacity_seconds:.1f} s")
    verdict = result.verdict
    cells.append(
        f"{verdict.acknowledged}: {len(verdict.lost)} lost, {len(verdict.doubled)} doubled" if verdict else "not read"
    )
    marks = Counter(judgement.mark for judgement in judge(result))
    others = [f"{marks[mark]} {mark}" for mark in ("MISSED", "NOT JUDGED") if marks[mark]]
    cells.append(", ".join(others) or "kept")
    return cells


def about(seed: int) -> str:
    """The machine, the seed and the time."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), machine.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    when = time.strftime("%Y-%m-%d %H:%M")
    return (
        f"{when}. Seed {seed}. {os.cpu_count()} cores of {model}, {memory:.0f} GiB, Linux {machine.release()};"
        f" load average {os.getloadavg()[1]:.1f} (of all that runs on it)."
    )


def _name(result: Result) -> str:
    return f"{result.fault.name}-{result.mode}"


def _story(result: Result) -> list[str]:
    """Sentences about one result."""
    waits = [record.seconds for record in result.of() if record.problem is None]
    told = [
        f"{result.rate:.1f} arrivals a second; callers wait {result.pace.patience:.1f} s for an attempt.",
        f"Broken from {result.struck:.1f} s to {result.ended:.1f} s (grey); full capacity at {result.recovered:.1f} s.",
        f"Answers took {quantile(waits, 0.5) * 1000:.0f} ms (median), {quantile(waits, 0.99) * 1000:.0f} ms (99 %).",
    ]
    told.append(f"The machine's cores were idle for {100 * result.idle:.0f} % of that time.")
    if result.fault.name == "triple_load":
        told.append(f"{100 * share_of_capacity(result):.0f} % of the capacity was still served.")
    return [*told, *(f"{note[0].upper()}{note[1:]}." for note in result.notes)]


def markdown(results: Sequence[Result], problems: Sequence[str], seed: int) -> str:
    """The report as Markdown."""
    lines = [
        "# Chaos report",
        "",
        about(seed),
        "",
        "Failed: of the requests that were under way when the fault began, or due later.",
        "",
    ]
    lines += [f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}"]
    lines += [f"| {' | '.join(row(result))} |" for result in results]
    lines += ["", *(f"- NOT MADE: {problem}" for problem in problems)]
    for result in results:
        lines += [
            "",
            f"## {result.fault.name}, balancer {result.mode}",
            "",
            f"{result.fault.text[0].upper()}{result.fault.text[1:]}.",
            "",
        ]
        lines += [f"- {judgement}" for judgement in judge(result)]
        lines += ["", " ".join(_story(result)), "", f"![{_name(result)}]({_name(result)}.svg)"]
    return "\n".join(lines) + "\n"


def _html(results: Sequence[Result], problems: Sequence[str], seed: int, drawn: dict[int, str]) -> str:
    def cell(text: str, tag: str = "td") -> str:
        kinds = {"MISSED": "missed", "NOT JUDGED": "not-judged"}
        kind = next((kind for mark, kind in kinds.items() if mark in text), text if text == "kept" else "")
        mark = f' class="{kind}"' if kind else ""
        return f"<{tag}{mark}>{html.escape(text)}</{tag}>"

    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>Chaos report</title><style>{_STYLE}</style>"]
    parts += ["<h1>Chaos report</h1>", f"<p>{html.escape(about(seed))}</p>"]
    parts += ["<p>Failed: of the requests that were under way when the fault began, or due later.</p><table>"]
    parts += ["<tr>" + "".join(cell(text, "th") for text in _HEAD) + "</tr>"]
    parts += ["<tr>" + "".join(cell(text) for text in row(result)) + "</tr>" for result in results]
    parts += ["</table>", *(f'<p class="missed">Not made: {html.escape(problem)}</p>' for problem in problems)]
    for result in results:
        parts.append(f"<h2>{result.fault.name}, balancer {result.mode}</h2><p>{html.escape(result.fault.text)}</p><ul>")
        for judgement in judge(result):
            kind = judgement.mark.lower().replace(" ", "-")
            parts.append(f'<li class="{kind}">{html.escape(str(judgement))}</li>')
        svg = drawn[id(result)]
        parts.append(f"</ul><p>{html.escape(' '.join(_story(result)))}</p>{svg[svg.index('<svg') :]}")
    return "\n".join(parts) + "\n</html>\n"
