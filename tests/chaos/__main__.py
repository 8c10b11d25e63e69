# SPDX-License-Identifier: Apache-2.0
"""make chaos: breaks the platform that `make up` deployed in every way, and writes what callers saw of it.

python -m chaos [--fault NAME …] [--mode alb|tuned] [--seed N] [--seconds S] [--calm S] | --undo
"""

import argparse
import atexit
import os
import random
import signal
import sys
import time
from collections.abc import Sequence

from chaos import live, pace, report
from chaos.experiment import Form, Result, conduct, settle
from chaos.faults import FAULTS
from chaos.judge import MODES, judge
from chaos.platform import ROOT, ChaosError, Platform
from chaos.undo import SCOPES, Undo, replay
from streamify_local import environment
from streamify_local.processes import LocalCloudError


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every promise was kept; 1: one was not; 2: an experiment could not be made or judged."""
    options = _options(arguments)
    name = os.environ.get("STREAMIFY_ENV", environment.DEFAULT_NAME)
    if count := replay(name):
        print(f"{count} things that an interrupted run broke are mended.", file=sys.stderr)
    if options.undo:
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, so that what is broken is mended
    try:
        platform = Platform(name)
        for scope in SCOPES:
            atexit.register(Undo(platform.environment, scope).run)
        return _run(platform, options)
    except (ChaosError, LocalCloudError) as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), help="again for more; all when left out")
    parser.add_argument("--mode", choices=MODES, help="of the balancer; both when left out")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16), help="repeats a run's choices")
    parser.add_argument("--seconds", type=float, help="how long each fault lasts, in place of its own time")
    parser.add_argument("--calm", type=float, default=10.0, help="seconds before and after each fault")
    parser.add_argument("--undo", action="store_true", help="only mend what an interrupted run broke")
    return parser.parse_args(arguments)


def _run(platform: Platform, options: argparse.Namespace) -> int:
    modes = (options.mode,) if options.mode else MODES
    form = Form(options.calm, options.seconds)
    undo = Undo(platform.environment, "run")
    undo.add("balancer", mode=platform.balancer())
    results: list[Result] = []
    problems: list[str] = []
    folder = ROOT / ".local" / "artefacts" / f"chaos-{time.strftime('%Y%m%d-%H%M%S')}"
    print(f"seed {options.seed}; report in {folder}", file=sys.stderr)
    paces = _paces(platform, options.seed)
    try:
        for name in options.fault or FAULTS:
            for mode in modes:
                try:
                    result = conduct(
                        platform, FAULTS[name], mode, paces[FAULTS[name].is_release], options.seed, form, live.show
                    )
                except ChaosError as error:
                    problems.append(f"{name} ({mode}): {error}")
                    print(f"\n{problems[-1]}", file=sys.stderr)
                    continue
                finally:
                    live.done()
                results.append(result)
                _say(result)
                report.write(folder, results, problems, options.seed)
    finally:
        undo.run()
    report.write(folder, results, problems, options.seed)
    print((folder / "report.md").read_text().split("\n## ", 1)[0], file=sys.stderr)
    print(folder / "report.html")
    marks = {judgement.mark for result in results for judgement in judge(result)}
    if problems:
        return 2
    if "MISSED" in marks:
        return 1
    return 2 if "NOT JUDGED" in marks else 0


def _paces(platform: Platform, seed: int) -> dict[bool, pace.Pace]:
    """The load for faults, and for releases, which need CPU themselves."""
    settle(platform)
    usual = pace.measure(platform, seed=seed)
    gentle = pace.Pace(
        max(2.0, usual.rate * pace.BUSY_SHARE_OF_RELEASES / pace.BUSY_SHARE), usual.patience, usual.cost, usual.usual
    )
    print(
        f"an arrival costs {usual.cost * 1000:.0f} ms of CPU: {usual.rate:.1f} a second, {gentle.rate:.1f} at releases;"
        f" callers wait {usual.patience:.1f} s",
        file=sys.stderr,
    )
    return {False: usual, True: gentle}


def _say(result: Result) -> None:
    for judgement in judge(result):
        print(f"  {judgement}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
