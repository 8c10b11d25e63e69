# SPDX-License-Identifier: Apache-2.0
"""Every method and every state is accounted for."""

import pytest
from streamify.catalog.v1 import catalog_service_pb2
from streamify.health.v1 import health_service_pb2
from streamify.upload.v1 import upload_service_pb2
from streamify_api.transports.grpc.convert import UPLOAD_STATES, VIDEO_STATES
from streamify_api.transports.grpc.methods import METHODS as DECLARED
from streamify_api.transports.grpc.methods import is_public

FILES = (catalog_service_pb2, health_service_pb2, upload_service_pb2)
METHODS = {
    f"/{service.full_name}/{method.name}"
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_says_who_may_call_it(method: str) -> None:
    assert is_public(method) is (method not in DECLARED)


def test_no_method_is_named_that_does_not_exist() -> None:
    assert set(DECLARED) <= METHODS


def test_every_state_has_its_word_on_the_wire() -> None:
    assert {"UPLOAD_STATE_" + state.upper() for state in UPLOAD_STATES} == set(
        upload_service_pb2.UploadState.keys()
    ) - {"UPLOAD_STATE_UNSPECIFIED"}
    assert {"VIDEO_STATE_" + state.upper() for state in VIDEO_STATES} == set(catalog_service_pb2.VideoState.keys()) - {
        "VIDEO_STATE_UNSPECIFIED"
    }
