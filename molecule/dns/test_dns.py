# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""Names: what AWS reports, without any of the role's variables. Run by verify.yml."""

from typing import Any

from reported import aws


def test_names_lead_to_balancers_and_cdn(balancers: dict[str, dict[str, Any]]) -> None:
    client = aws("route53")
    records = {}
    for zone in client.list_hosted_zones()["HostedZones"]:
        for record in client.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            if "AliasTarget" in record:
                key = zone["Config"]["PrivateZone"], record["Name"], record["Type"]
                records[key] = record["AliasTarget"]["DNSName"].rstrip(".").lower()
    (distribution,) = aws("cloudfront").list_distributions()["DistributionList"]["Items"]
    assert records == {
        (False, "api.streamify.localhost.", "A"): balancers["public"]["DNSName"].lower(),
        (False, "media.streamify.localhost.", "A"): distribution["DomainName"].lower(),
        (False, "media.streamify.localhost.", "AAAA"): distribution["DomainName"].lower(),
        (True, "grpc.internal.streamify.localhost.", "A"): balancers["internal"]["DNSName"].lower(),
    }
