# SPDX-License-Identifier: Apache-2.0
"""Where IAM is evaluated, S3 tells only those who may list a bucket that an object is not there; others get 403.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and API_HeadObject.html, "Permissions".
"""

import contextvars
import os
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_region
from ministack.core.router import extract_access_key_id
from ministack.services import s3

from . import iam_resources


def _may_list(key: str, bucket: str) -> bool:
    iam_resources._request.set(None)  # the request is for the object
    resource = f"arn:aws:s3:::{bucket}"
    return iam_evaluator.enforce(key, "s3:ListBucket", "s3", get_region(), resource_arn=resource) is None


def apply() -> None:
    if os.environ.get("AUTH", "").lower() != "true":
        return
    handle_request = s3.handle_request

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any, *rest: Any, **more: Any) -> Any:
        answer = await handle_request(method, path, headers, body, query, *rest, **more)
        bucket, name = s3._parse_bucket_key(path, headers)
        key = extract_access_key_id(headers, query)
        missing = answer[0] == 404 and method in ("GET", "HEAD") and name and key
        if missing and not contextvars.copy_context().run(_may_list, key, bucket):
            return s3._error("AccessDenied", "Access Denied", 403, path)
        return answer

    s3.handle_request = handle
