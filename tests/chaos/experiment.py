# SPDX-License-Identifier: Apache-2.0
"""One experiment: a workload, calm, a fault, its end, calm again; then every acknowledged write is looked for."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from chaos.faults import Fault, Site
from chaos.history import Verdict, check, truth_of
from chaos.pace import Pace, free_cores
from chaos.platform import ChaosError, Health, Platform, wait_until
from chaos.records import Client, Record, Recorder, chosen, failed
from chaos.undo import Undo
from chaos.workload import Workload

_SAMPLE_SECONDS = 0.3
_WARM_SECONDS = 2.0  # connections are made
_SETTLED_WITHIN, _WHOLE_WITHIN = 180.0, 120.0
_QUIET_SECONDS = 3.0  # without a failure: it is over
LEAST_IDLE = 0.15  # of the machine: with less, times say nothing about the platform
_LATEST_GENERATOR = 1.0  # seconds by which arrivals may come too late: more, and the machine was measured


@dataclass(frozen=True)
class Form:
    """How long the parts of an experiment take, in seconds.

    Attributes:
        calm: before and after the fault.
        seconds: the fault's, when not its own.
    """

    calm: float = 10.0
    seconds: float | None = None
    is_short: bool = False

    def duration(self, fault: Fault) -> float:
        """How long the fault lasts."""
        return (fault.short_seconds if self.is_short else fault.seconds) if self.seconds is None else self.seconds


@dataclass
class Result:
    """What was seen. Times are seconds since the workload began.

    Attributes:
        struck, ended: the fault's span.
        recovered: when full capacity was back; NaN when it never was.
        health: who served, sampled.
        lateness: seconds by which an arrival came too late, at most.
        idle: share of the machine's cores that had nothing to do from the strike to the recovery.
    """

    fault: Fault
    mode: str
    pace: Pace
    rate: float
    seed: int
    records: list[Record] = field(default_factory=list)
    health: list[tuple[float, Health]] = field(default_factory=list)
    struck: float = 0.0
    ended: float = 0.0
    recovered: float = float("nan")
    finished: float = 0.0
    lateness: float = 0.0
    idle: float = 1.0
    verdict: Verdict | None = None
    notes: list[str] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)

    @property
    def capacity_seconds(self) -> float:
        """From the strike, or from the fault's end where that is what counts, until full capacity."""
        return max(0.0, self.recovered - (self.struck if self.fault.counts_from == "strike" else self.ended))

    def of(self, client: Client | None = None, kinds: frozenset[str] | None = None) -> list[Record]:
        """What was under way at the strike or due later."""
        return [record for record in chosen(self.records, client, kinds) if record.end >= self.struck]


type Watcher = Callable[["Run"], None]


@dataclass
class Run:
    """An experiment that goes on, for who watches it live."""

    result: Result
    workload: Workload
    phase: str = "calm"


class _Monitor:
    """Samples who serves; the local cloud's APIs answer at any time, whatever the fault is."""

    def __init__(self, platform: Platform, recorder: Recorder, into: list[tuple[float, Health]]) -> None:
        self._platform, self._recorder, self._into = platform, recorder, into
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._main, name="monitor", daemon=True)

    def _main(self) -> None:
        while not self._stopping.wait(_SAMPLE_SECONDS):
            began = self._recorder.now()
            try:
                self._into.append((began, self._platform.health()))
            except (BotoCoreError, ClientError, KeyError, IndexError):
                continue  # a deployment changes under the question

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._thread.join(30)


def settle(platform: Platform) -> None:
    """Wait until the platform is whole, with its tasks spread over the zones.

    Raises:
        ChaosError: it does not become so.
    """
    wait_until(platform.is_settled, "the platform is whole", _SETTLED_WITHIN)
    for _ in range(int(platform.service()["desiredCount"])):
        serving = platform.serving()
        count = Counter(task.zone for task in serving)
        fullest = max(count, key=lambda zone: count[zone])
        if count[fullest] - min(count[zone] for zone in zones_of(platform)) <= 1:
            return
        moved = next(task for task in serving if task.zone == fullest)
        platform.aws("ecs").stop_task(cluster=platform.outputs["ecs_cluster"], task=moved.arn, reason="rebalanced")
        wait_until(platform.is_settled, "the tasks are spread over the zones", _SETTLED_WITHIN)


def zones_of(platform: Platform) -> set[str]:
    """The zones that the service's subnets lie in."""
    subnets = platform.service()["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
    described = platform.aws("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
    return {str(subnet["AvailabilityZone"]) for subnet in described}


def conduct(
    platform: Platform, fault: Fault, mode: str, pace: Pace, seed: int, form: Form, watch: Watcher | None = None
) -> Result:
    """Make one experiment.

    Raises:
        ChaosError: it could not be made or proved nothing: that is a failure of the suite, not of the platform.
    """
    platform.set_balancer(mode)
    settle(platform)
    prepared, undo = Undo(platform.environment, "prepared"), Undo(platform.environment)
    site = Site(platform, prepared, random.Random(f"{seed}-{fault.name}"), pace.rate, pace.patience)
    try:
        fault.prepare(site)
        site.undo = undo
        result = _under_load(site, fault, mode, replace(pace, patience=site.patience), seed, form, watch)
    finally:
        mend(undo)
        mend(prepared)
        for child in site.children:
            child.communicate(timeout=30)
    return result


def mend(undo: Undo) -> None:
    """Undo what was broken.

    Raises:
        ChaosError: something could not be.
    """
    if problems := undo.run():
        raise ChaosError("not everything could be undone: " + "; ".join(problems))


def _under_load(
    site: Site, fault: Fault, mode: str, pace: Pace, seed: int, form: Form, watch: Watcher | None
) -> Result:
    workload = Workload(site.platform, site.rate, pace.patience, seed, site.storage)
    recorder = workload.recorder
    result = Result(fault, mode, pace, site.rate, seed, recorder.records)
    site.set_rate = lambda rate: setattr(workload, "rate", rate)
    run = Run(result, workload)
    with workload.running(), _Monitor(site.platform, recorder, result.health).running(), _watched(run, watch):
        time.sleep(_WARM_SECONDS + form.calm)
        _must_be_calm(recorder.records)
        run.phase = "broken"
        result.struck, idle = recorder.now(), free_cores()
        fault.strike(site)
        time.sleep(max(0.0, form.duration(fault) - (recorder.now() - result.struck)))
        fault.end(site)
        mend(site.undo)
        result.ended = recorder.now()
        run.phase = "mending"
        result.recovered = _recovery(result, workload)
        result.idle = (free_cores() - idle) / (recorder.now() - result.struck) / (os.cpu_count() or 1)
        run.phase = "calm again"
        time.sleep(form.calm)
        result.finished = recorder.now()
    result.lateness, result.notes, result.measured = workload.worst_lateness, site.notes, site.measured
    if result.lateness > _LATEST_GENERATOR and result.idle < LEAST_IDLE:
        result.notes.append(f"arrivals came up to {result.lateness:.1f} s late, for want of CPU")
    elif result.lateness > _LATEST_GENERATOR:
        raise ChaosError(f"arrivals came up to {result.lateness:.1f} s too late: the machine was measured.")
    result.verdict = _look_for_writes(site.platform, workload)
    return result


@contextmanager
def _watched(run: Run, watch: Watcher | None) -> Iterator[None]:
    if watch is None:
        yield
        return
    stopping = threading.Event()

    def loop() -> None:
        while not stopping.wait(1.0):
            watch(run)

    thread = threading.Thread(target=loop, name="live", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(5)


def _must_be_calm(records: list[Record]) -> None:
    if problems := failed(list(records)):
        raise ChaosError(f"requests fail before anything is broken: {problems[0].kind}: {problems[0].problem}.")


def _recovery(result: Result, workload: Workload) -> float:
    """Wait until full capacity is back and say when it was.

    Raises:
        ChaosError: the fault took no task away although it should have, or the platform does not recover.
    """
    recorder = workload.recorder
    struck, takes = result.struck, result.fault.takes
    before = max((health.tasks for moment, health in result.health if moment < struck), default=0)
    if takes:
        wait_until(
            lambda: min(_tasks_since(result, struck), default=before) <= before - takes,
            f"{takes} of {before} tasks are gone; {result.fault.name} took none away",
            _WHOLE_WITHIN,
        )
    wait_until(lambda: _whole_since(result) is not None, "the tasks serve again", _WHOLE_WITHIN)
    wait_until(lambda: _quiet_for(recorder) >= _QUIET_SECONDS, "requests succeed again", _WHOLE_WITHIN)
    whole = _whole_since(result) or struck
    if result.fault.counts_from == "end":
        last = max((record.due for record in failed(list(result.records))), default=result.ended)
        return max(last, result.ended)
    return whole


def _tasks_since(result: Result, moment: float) -> list[int]:
    return [health.tasks for when, health in list(result.health) if when >= moment]


def _whole_since(result: Result) -> float | None:
    """Since when all that were wanted serve; None while they do not, or nothing was seen after the strike."""
    samples = [(when, health.whole) for when, health in list(result.health) if when >= result.struck]
    if not samples or not samples[-1][1]:
        return None
    last_bad = max((index for index, (_, whole) in enumerate(samples) if not whole), default=-1)
    return samples[last_bad + 1][0] if last_bad >= 0 else result.struck


def _quiet_for(recorder: Recorder) -> float:
    """Seconds since the latest failure became known."""
    return recorder.now() - max((record.end for record in failed(list(recorder.records))), default=0.0)


def _look_for_writes(platform: Platform, workload: Workload) -> Verdict:
    ca = Path(platform.outputs["ca_file"]).read_bytes()
    with grpc.secure_channel(platform.outputs["grpc_target"], grpc.ssl_channel_credentials(ca)) as channel:
        bucket = upload_bucket(platform)
        return check(workload.histories, truth_of(channel, workload.token, platform.aws("s3"), bucket))


def upload_bucket(platform: Platform) -> str:
    """Where uploads are collected, as the running tasks were told.

    Raises:
        ChaosError: the task definition does not say.
    """
    definition = platform.aws("ecs").describe_task_definition(taskDefinition=platform.service()["taskDefinition"])
    for variable in definition["taskDefinition"]["containerDefinitions"][0]["environment"]:
        if variable["name"] == "STREAMIFY_UPLOAD_BUCKET":
            return str(variable["value"])
    raise ChaosError("the task definition does not say where uploads are.")
