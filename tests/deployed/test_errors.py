# SPDX-License-Identifier: Apache-2.0
"""What a caller who asks for the wrong thing is told, through the balancer."""

from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import empty_pb2  # any message will do: the token is judged before the request is read


def test_an_unknown_video_is_a_404_problem(http: httpx.Client, outputs: dict[str, str]) -> None:
    answer = http.get(f"{outputs['http_url']}/v1/videos/vid_01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["status"] == 404


@pytest.mark.parametrize("video_id", ["vid_short", "nonsense", "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_a_malformed_id_is_a_400_problem(video_id: str, http: httpx.Client, outputs: dict[str, str]) -> None:
    answer = http.get(f"{outputs['http_url']}/v1/videos/{video_id}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_http_is_redirected_to_https(http: httpx.Client, outputs: dict[str, str], cloud: dict[str, Any]) -> None:
    answer = http.get(f"http://localhost:{cloud['ports']['http']}/v1/videos")
    assert answer.status_code == 301
    assert answer.headers["location"].startswith(outputs["http_url"])


def test_a_call_without_a_token_is_unauthenticated(channel: grpc.Channel) -> None:
    call = channel.unary_unary(
        "/streamify.catalog.v1.VideoService/ListVideos",
        request_serializer=empty_pb2.Empty.SerializeToString,
        response_deserializer=lambda data: data,
    )
    with pytest.raises(grpc.RpcError) as refused:
        call(empty_pb2.Empty(), timeout=10)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
