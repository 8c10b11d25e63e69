# SPDX-License-Identifier: Apache-2.0
"""A public NAT gateway tells its Elastic IP address.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGateway.html (natGatewayAddressSet). ministack writes an
empty set, so that whoever deletes the gateway cannot find the address to release.
"""

import re
from typing import Any

from ministack.services import ec2

_GATEWAY = re.compile(
    r"(<natGatewayId>(nat-\w+)</natGatewayId>(?:(?!<natGatewayId>).)*?)<natGatewayAddressSet/>", re.DOTALL
)


def with_addresses(text: str) -> str:
    """Fill the empty address sets of a CreateNatGateway or DescribeNatGateways answer."""
    return _GATEWAY.sub(lambda match: match[1] + address_set(ec2._nat_gateways.get(match[2])), text)


def address_set(gateway: dict[str, Any] | None) -> str:
    """A gateway's addresses as EC2's XML: one, unless it is private or its address was released."""
    allocation = (gateway or {}).get("AllocationId")
    address = ec2._addresses.get(allocation) if allocation else None
    if address is None:
        return "<natGatewayAddressSet/>"
    return (
        f"<natGatewayAddressSet><item><allocationId>{allocation}</allocationId>"
        f"<publicIp>{address['PublicIp']}</publicIp><isPrimary>true</isPrimary><status>succeeded</status>"
        "</item></natGatewayAddressSet>"
    )


def apply() -> None:
    """Fill the sets in the answers of the two actions."""
    for action in ("CreateNatGateway", "DescribeNatGateways"):
        ec2._ACTION_MAP[action] = _filling(ec2._ACTION_MAP[action])


def _filling(handler: Any) -> Any:
    def handle(params: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = handler(params)
        text = body.decode() if isinstance(body, bytes) else body
        return status, headers, with_addresses(text).encode()

    return handle
