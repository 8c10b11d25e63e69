# SPDX-License-Identifier: Apache-2.0
"""With STREAMIFY_IAM_LOG, every evaluation of a caller's policies is written to that file, a JSON object a line.

`context` is what the emulator's evaluator was given, tags of the resource included, so that the same evaluation can be
made again with other policies. `by` is what the file STREAMIFY_IAM_BY said when the request came: who makes it.
"""

import json
import os
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import asdict
from pathlib import Path
from typing import Any

_asked: ContextVar[bool] = ContextVar("iam_asked", default=False)


def apply() -> None:
    """Wrap the evaluator; nothing is done without a file to write to."""
    path = os.environ.get("STREAMIFY_IAM_LOG")
    if not path:
        return
    from ministack.core import iam_evaluator
    from ministack.services import tagging

    enforce, evaluate = iam_evaluator.enforce, iam_evaluator.evaluate
    log = Path(path).open("a", buffering=1)  # noqa: SIM115 - until the emulator ends

    def asked(*request: Any, **more: Any) -> Any:
        _asked.set(True)
        return enforce(*request, **more)

    def recorded(ctx: Any, policies: Any, *limits: Any) -> Any:
        result = evaluate(ctx, policies, *limits)
        if _asked.get():  # the caller's policies, not the resource's own, which are evaluated after them
            _asked.set(False)
            tags = tagging.resource_tags(ctx.resource_arn) or {}
            context = asdict(ctx)
            context["service_context"] |= {f"aws:resourcetag/{name}".lower(): value for name, value in tags.items()}
            log.write(json.dumps({"by": _by(), "decision": result.decision, "context": context}, default=str) + "\n")
        return result

    iam_evaluator.enforce = asked
    iam_evaluator.evaluate = recorded


def _by() -> str:
    with suppress(OSError, KeyError):
        return Path(os.environ["STREAMIFY_IAM_BY"]).read_text()
    return ""
