# SPDX-License-Identifier: Apache-2.0
"""The promises, fault by fault, and whether a result keeps them. docs/chaos.md explains the figures."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chaos.experiment import LEAST_IDLE, Result
from chaos.records import PLAYBACK_OF_KNOWN, Client, Record, error_window, failed, is_at_most

MODES = ("alb", "tuned")
LONGEST_ERRORS, SHARE_IN_WINDOW = 15.0, 1 / 3

type Rule = Callable[[list[Record]], str | None]  # what is wrong with a client's records since the strike, or None


@dataclass(frozen=True)
class Promise:
    """What holds for one fault, balancer setting and kind of client."""

    mode: str
    client: Client
    text: str
    rule: Rule
    kinds: frozenset[str] | None = None


def _none(records: list[Record]) -> str | None:
    problems = failed(records)
    return f"{len(problems)} failed, such as {_example(problems)}" if problems else None


def _share(least: float) -> Rule:
    def rule(records: list[Record]) -> str | None:
        problems = failed(records)
        if is_at_most(len(problems), len(records), 1 - least):
            return None
        return f"{len(problems)} of {len(records)} failed, such as {_example(problems)}"

    return rule


def _window(records: list[Record]) -> str | None:
    problems, seconds = failed(records), error_window(records)
    if not problems:
        return None
    if seconds > LONGEST_ERRORS:
        return f"errors for {seconds:.1f} s, such as {_example(problems)}"
    first, last = min(record.due for record in problems), max(record.due for record in problems)
    inside = [record for record in records if first <= record.due <= last]
    # A window that begins and ends with a failure is no fair sample: both ends are taken out of it.
    if is_at_most(max(0, len(problems) - 2), max(0, len(inside) - 2), SHARE_IN_WINDOW):
        return None
    return f"{len(problems)} of {len(inside)} failed in the window"


def _example(problems: Iterable[Record]) -> str:
    last = max(problems, key=lambda record: record.due)
    return f"{last.kind} after {last.attempts} attempts: {last.problem}"


def _lost_task(tuned_text: str, tuned: Rule) -> list[Promise]:
    return [
        Promise("tuned", Client.ONCE, tuned_text, tuned),
        Promise("alb", Client.BACKOFF, "at least 99.9 %", _share(0.999)),
        Promise("alb", Client.PLAIN, "errors for at most 15 s, of at most a third of requests", _window),
    ]


def _all(kinds: frozenset[str] | None = None) -> list[Promise]:
    clients = (("tuned", Client.ONCE), ("alb", Client.BACKOFF), ("alb", Client.PLAIN))
    return [Promise(mode, client, "0 failed", _none, kinds) for mode, client in clients]


PROMISES: dict[str, list[Promise]] = {
    "task_killed": _lost_task("0 failed", _none),
    "task_hung": _lost_task("at most 1 %", _share(0.99)),
    "zone_loss": _lost_task("0 failed", _none),
    "task_kills": [
        Promise("tuned", Client.ONCE, "0 failed", _none),
        Promise("alb", Client.BACKOFF, "at least 99.9 %", _share(0.999)),
    ],
    "task_drained": _all(),
    "tasks_rolled": _all(),
    "keys_rotated": _all(),
    "release_under_load": _all(),
    "broken_release": _all(),
    "dynamodb_down": _all(PLAYBACK_OF_KNOWN),
    "dynamodb_throttled": [Promise("tuned", Client.ONCE, "at least 99.9 %", _share(0.999))],
    # Not in issue 5's table; what we ask of ourselves.
    "slow_task": [Promise("alb", Client.BACKOFF, "at least 99.9 %", _share(0.999))],
    "target_unhealthy": _all(),
    "s3_5xx": _all(PLAYBACK_OF_KNOWN),
    "dependency_stalled": _all(PLAYBACK_OF_KNOWN),
}
CAPACITY_SECONDS = {
    "task_killed": 30.0, "task_hung": 45.0, "zone_loss": 60.0, "dynamodb_down": 10.0, "triple_load": 30.0,
    "two_tasks_killed": 45.0,
}  # fmt: skip
MOST_ATTEMPTS_A_CALL = 1.5
LEAST_SHARE_OF_CAPACITY = 0.9
_DEVIATION_OF_ATTEMPTS = math.sqrt(0.3) / 0.7  # of one call's attempts, when three in ten are throttled (geometric)


@dataclass(frozen=True)
class Judgement:
    """One promise and what became of it.

    Attributes:
        text: the promise.
        problem: what was missed; None when nothing was.
        not_judged: why a miss counts neither way; None when it was judged.
    """

    text: str
    problem: str | None
    not_judged: str | None = None

    @property
    def mark(self) -> str:
        """The outcome in a word or two."""
        if self.problem is not None:
            return "MISSED"
        return "kept" if self.not_judged is None else "NOT JUDGED"

    def __str__(self) -> str:
        why = self.problem or self.not_judged
        return f"{self.mark}: {self.text}" + (f" ({why})" if why else "")


def judge(result: Result) -> list[Judgement]:
    """Hold a result against what is promised for its fault and balancer setting."""
    fault, found = result.fault.name, []
    for promise in PROMISES.get(fault, []):
        if promise.mode == result.mode:
            records = result.of(promise.client, promise.kinds)
            what = "playback of known videos, " if promise.kinds == PLAYBACK_OF_KNOWN else ""
            found.append(Judgement(f"{what}{promise.client}: {promise.text}", promise.rule(records)))
    if (limit := CAPACITY_SECONDS.get(fault)) is not None:
        found.append(_capacity(result, limit))
    found += _measured(result)
    if result.verdict is not None:
        problem = None if result.verdict.is_good else str(result.verdict)
        found.append(Judgement("no acknowledged write lost or doubled", problem))
    return found


def _capacity(result: Result, limit: float) -> Judgement:
    """A limit of time is held against a machine that had CPU to spare; on another the time is only told."""
    text, seconds = f"full capacity within {limit:.0f} s", result.capacity_seconds
    if seconds <= limit:
        return Judgement(text, None)
    if result.idle < LEAST_IDLE:
        return Judgement(text, None, _busy(result, f"it took {seconds:.1f} s"))
    return Judgement(text, f"it took {seconds:.1f} s")


def _busy(result: Result, seen: str) -> str:
    return f"{seen}, and the machine was idle for {100 * result.idle:.0f} % only"


def _measured(result: Result) -> list[Judgement]:
    if result.fault.name == "dynamodb_throttled" and result.mode == "tuned":
        attempts, calls = result.measured["attempts a call"], result.measured["calls"]
        chance = 3 * _DEVIATION_OF_ATTEMPTS / math.sqrt(max(1.0, calls))
        problem = None if attempts <= MOST_ATTEMPTS_A_CALL + chance else f"{attempts:.2f} in {calls:.0f} calls"
        return [Judgement(f"at most {MOST_ATTEMPTS_A_CALL} attempts a call", problem)]
    if result.fault.name == "triple_load":
        share = share_of_capacity(result)
        text = f"at least {100 * LEAST_SHARE_OF_CAPACITY:.0f} % of capacity still served"
        if share < LEAST_SHARE_OF_CAPACITY and result.idle < LEAST_IDLE:
            return [Judgement(text, None, _busy(result, f"{100 * share:.0f} %"))]
        return [Judgement(text, None if share >= LEAST_SHARE_OF_CAPACITY else f"{100 * share:.0f} %")]
    return []


def share_of_capacity(result: Result) -> float:
    """Answers a second during the load, of those that the capped tasks could give before it."""
    answered = [r for r in result.records if r.problem is None and result.struck <= r.end < result.ended]
    return len(answered) / (result.ended - result.struck) / max(0.1, result.measured["capacity"])
