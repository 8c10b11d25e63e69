# SPDX-License-Identifier: Apache-2.0
"""Runs the API with a clock that is wrong but ticks: python -m chaos.kills.wrong_clock SECONDS."""

import runpy
import sys
from datetime import UTC, datetime, timedelta

import time_machine

if __name__ == "__main__":
    wrong = datetime.now(UTC) + timedelta(seconds=float(sys.argv[1]))
    time_machine.travel(wrong, tick=True).start()
    sys.argv = ["streamify_api"]
    runpy.run_module("streamify_api", run_name="__main__", alter_sys=True)
