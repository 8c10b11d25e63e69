# SPDX-License-Identifier: Apache-2.0
"""Our own CPU for what goes out: presigning an upload of 10,000 parts, and a read of DynamoDB. Part of `make bench`.

Not a test: prints figures and ratios. Each is done beside the SDK, in turn, in rounds; the read through all that a read
goes through in the API (store, circuit breaker, metrics), the SDK's through the SDK alone.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from aiobotocore.session import get_session
from bench.servers import server
from contract.platform_state import REGION, TABLE, aws
from contract.processes import free_port
from streamify_api.adapters.aws import judge
from streamify_api.adapters.dependency import Dependency
from streamify_api.adapters.dynamodb_client import DynamoDBClient, open_dynamodb
from streamify_api.adapters.dynamodb_store import DynamoDBStore
from streamify_api.adapters.s3_presign import BucketAddress, S3Presigner
from streamify_api.adapters.sigv4 import Credentials

ROUNDS = 9
PARTS = 10_000
SDK_PARTS = 300  # it takes half a second for a thousand
CALLS = 1_600
PARALLEL = 8
_KEY = "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV/source"
_CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "session-token")
_CHECKSUM = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="


def presigning() -> tuple[float, float]:
    """CPU milliseconds for all parts, each with its length and checksum signed; botocore's, from fewer parts."""
    presigner = S3Presigner(BucketAddress("https", "uploads.s3.eu-central-1.amazonaws.com", "/"), REGION)
    parts = [(number, 16 * 1024**2, _CHECKSUM) for number in range(1, PARTS + 1)]
    s3 = aws("s3", "https://s3.eu-central-1.amazonaws.com")
    asked = {"Bucket": "uploads", "Key": _KEY, "UploadId": "id", "ChecksumSHA256": _CHECKSUM}
    ours, theirs = [], []
    for _ in range(ROUNDS):
        begin = time.process_time()
        presigner.parts(_CREDENTIALS, datetime.now(UTC), 900, _KEY, "id", parts, "x-amz-checksum-sha256")
        ours.append(time.process_time() - begin)
        begin = time.process_time()
        for number in range(1, SDK_PARTS + 1):
            s3.generate_presigned_url("upload_part", asked | {"PartNumber": number}, ExpiresIn=900)
        theirs.append((time.process_time() - begin) * PARTS / SDK_PARTS)
    return statistics.median(ours) * 1e3, statistics.median(theirs) * 1e3


async def _microseconds(call: Callable[[], Awaitable[object]]) -> float:
    """CPU of this process for each call, some at once."""

    async def work() -> None:
        for _ in range(CALLS // PARALLEL):
            await call()

    begin = time.process_time()
    await asyncio.gather(*(work() for _ in range(PARALLEL)))
    return (time.process_time() - begin) / CALLS * 1e6


async def _credentials() -> Credentials:
    return _CREDENTIALS


async def reading(url: str) -> tuple[float, float]:
    """CPU microseconds of a read of one item: ours, aiobotocore's."""
    async with AsyncExitStack() as stack:
        opened = await open_dynamodb(stack, REGION, url)
        ours = DynamoDBClient(opened.session, url, REGION, _credentials)
        store = DynamoDBStore(ours, Dependency("DynamoDB", 20, judge), TABLE, lambda: datetime.now(UTC))
        made = get_session().create_client(
            "dynamodb", REGION, endpoint_url=url, aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret"
        )
        sdk = await stack.enter_async_context(made)
        key = {"pk": {"S": "REQUEST#warm"}, "sk": {"S": "REQUEST"}}
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "ours": store.warm,
            "theirs": lambda: sdk.get_item(TableName=TABLE, Key=key, ConsistentRead=True),
        }
        measured: dict[str, list[float]] = {name: [] for name in calls}
        for number in range(ROUNDS + 2):  # the first two warm up
            for name, call in calls.items():
                value = await _microseconds(call)
                if number >= 2:
                    measured[name].append(value)
    return statistics.median(measured["ours"]), statistics.median(measured["theirs"])


def main() -> None:
    """Measure, print."""
    ours, theirs = presigning()
    print(f"own CPU, median of {ROUNDS} rounds")
    print(f"presigning {PARTS} parts {ours:6.0f} ms; botocore {theirs:6.0f} ms; {ours / theirs:.3f} of it")
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("dynamodb_answers.py")), str(port)]
    with tempfile.TemporaryDirectory() as name, server(command, Path(name), port, {}):
        ours, theirs = uvloop.run(reading(f"http://127.0.0.1:{port}"))
    print(f"reading from DynamoDB    {ours:6.0f} us; aiobotocore {theirs:4.0f} us; {ours / theirs:.2f} of it")


if __name__ == "__main__":
    main()
