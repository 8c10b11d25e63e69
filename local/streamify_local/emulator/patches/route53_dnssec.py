# SPDX-License-Identifier: Apache-2.0
"""A hosted zone tells that it is not signed.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetDNSSEC.html. ministack does not know GetDNSSEC, which
amazon.aws asks for every public zone.
"""

import re
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from ministack.services import route53

_PATH = re.compile(r"/2013-04-01/hostedzone/([^/]+)/dnssec")


def get_dnssec(zone_id: str) -> Any:
    """Answer GetDNSSEC."""
    if zone_id not in route53._zones:
        return route53._error_response("NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}", 404)

    def build(root: Element) -> None:
        SubElement(SubElement(root, "Status"), "ServeSignature").text = "NOT_SIGNING"
        SubElement(root, "KeySigningKeys")

    return route53._xml_response("GetDNSSECResponse", build)


def apply() -> None:
    """Answer one more path."""
    handle = route53.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: Any, query_params: Any) -> Any:
        asked = _PATH.fullmatch(path)
        if asked and method == "GET":
            return get_dnssec(asked[1])
        return await handle(method, path, headers, body, query_params)

    route53.handle_request = handle_request
