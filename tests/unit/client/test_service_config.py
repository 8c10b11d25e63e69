# SPDX-License-Identifier: Apache-2.0
"""What is shipped to clients fits the contract and gRPC's rules."""

import json

from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload
from streamify_client.channel import SERVICE_CONFIG


def test_every_service_is_retried_with_back_off_and_throttled() -> None:
    config = json.loads(SERVICE_CONFIG)
    (method,) = config["methodConfig"]
    services = {
        service.full_name for file in (catalog, upload) for service in file.DESCRIPTOR.services_by_name.values()
    }
    assert {name["service"] for name in method["name"]} == services
    policy = method["retryPolicy"]
    assert policy["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert 2 <= policy["maxAttempts"] <= 5, "gRPC takes no more than five"
    assert policy["backoffMultiplier"] > 1
    assert 0 < config["retryThrottling"]["maxTokens"] <= 1000
    assert 0 < config["retryThrottling"]["tokenRatio"] <= 1
