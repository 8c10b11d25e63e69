# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates that AWS Certificate Manager issues once DNS records in Route 53 have shown whose the names are.

https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html: the records stay, because ACM renews by them.
"""

from __future__ import annotations

from typing import Any

from .acm_certificate import KEY_TYPES
from .core import tags as tagging
from .core.compare import Rules
from .core.errors import ResourceError, WaitTimeout
from .core.resource import UNKNOWN, Resource

MISSING = ("ResourceNotFoundException",)
USABLE = ("ISSUED", "PENDING_VALIDATION")
RECORDS_SECONDS = 120  # ACM takes some seconds to say which records it wants
RECORD_TTL = 300
REASONS = {
    "CAA_ERROR": "a CAA record of the domain lets no amazon.com authority issue for it: add one, or remove it",
    "DOMAIN_NOT_ALLOWED": "the domain is on a list of unsafe ones: see VirusTotal, or ask AWS",
    "INVALID_PUBLIC_DOMAIN": "the domain is no public one: use a name that somebody can register",
}


class CertificateRequest(Resource):
    """A certificate of Amazon's, found again by its Name tag and its names."""

    service = "acm"
    kind = "certificate"
    result = "certificate"
    rules = Rules(unordered=frozenset({"names", "validation_records"}))
    _arn = ""

    # ---- describe ---------------------------------------------------------------------------------------------------
    def describe(self) -> dict[str, Any] | None:
        """Return the certificate of our Name tag that has just our names and can be used, or will be."""
        found = self._named()
        if self.params["state"] == "absent":
            return {"certificates": found} if found else None
        fitting = [item for item in found if self._fits(item)]
        if not fitting:
            return None
        best = min(fitting, key=lambda item: (item["certificate_arn"] != self._arn, item["status"] != "ISSUED"))
        others = [item["certificate_arn"] for item in found if item is not best]
        return {**best, "superseded": others}

    def _named(self) -> list[dict[str, Any]]:
        listed = self.aws.all("list_certificates", "certificate_summary_list", includes={"key_types": KEY_TYPES})
        found = []
        for arn in (summary["certificate_arn"] for summary in listed):
            answer = self.aws.call("list_tags_for_certificate", certificate_arn=arn, missing=MISSING) or {}
            tags = tagging.to_dict(answer.get("tags"))
            if tags.pop("Name", None) != self.name:
                continue
            detail = self._detail(arn)
            if detail.get("type") == "AMAZON_ISSUED":
                found.append({**detail, "tags": tags})
        return found

    def _detail(self, arn: str) -> dict[str, Any]:
        answer = self.aws.call("describe_certificate", certificate_arn=arn, missing=MISSING) or {}
        return dict(answer.get("certificate") or {})

    def _fits(self, detail: dict[str, Any]) -> bool:
        names = {detail["domain_name"].lower(), *(name.lower() for name in detail["subject_alternative_names"])}
        algorithm = str(detail.get("key_algorithm") or "").replace("-", "_")
        return (
            names == set(self._names()) and algorithm == self.params["key_algorithm"] and detail.get("status") in USABLE
        )

    def _names(self) -> list[str]:
        asked = [self.params["domain_name"], *(self.params["subject_alternative_names"] or [])]
        return list(dict.fromkeys(name.lower().rstrip(".") for name in asked))

    # ---- compare ----------------------------------------------------------------------------------------------------
    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for; the records that prove the names belong to it as soon as ACM has named them."""
        wanted: dict[str, Any] = {
            "names": self._names(),
            "key_algorithm": self.params["key_algorithm"],
            "transparency_logging": self.params["transparency_logging"],
        }
        if actual is None:
            self._refuse_homeless()
        elif self.params["write_records"]:
            wanted["validation_records"] = [_said(record) for record in _records(actual)]
        if actual is not None and self.params["wait"]:
            wanted["status"] = "ISSUED"
        return wanted

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the certificate in the words of the module."""
        if "certificates" in actual:
            return {"certificate_arns": [item["certificate_arn"] for item in actual["certificates"]]}
        preference = (actual.get("options") or {}).get("certificate_transparency_logging_preference", "ENABLED")
        seen = {
            "names": self._names(),
            "key_algorithm": self.params["key_algorithm"],
            "transparency_logging": preference == "ENABLED",
            "status": actual.get("status"),
            "tags": actual.get("tags"),
        }
        if self.params["write_records"]:
            seen["validation_records"] = [_said(record) for record in _records(actual) if self._stands(record)]
        return seen

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the ARN without its random end."""
        return {"certificate_arn": self.arn("acm", f"certificate/{UNKNOWN}"), "domain_name": self._names()[0]}

    def foreseen(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> dict[str, Any]:
        """Return the certificate as it would be."""
        return {**actual, **{key: desired[key] for key in changes & {"status", "tags"}}}

    # ---- apply ------------------------------------------------------------------------------------------------------
    def create(self, desired: dict[str, Any]) -> None:
        """Request the certificate, and write the records that it is waiting for."""
        names = self._names()
        made = self.aws.get(
            "request_certificate",
            domain_name=names[0],
            subject_alternative_names=names[1:] or None,
            validation_method="DNS",
            key_algorithm=self.params["key_algorithm"],
            options={"certificate_transparency_logging_preference": self._preference()},
            tags=tagging.to_list({"Name": self.name, **(desired.get("tags") or {})}),
        )
        self._arn = str(made["certificate_arn"])
        self._write_records(self._wait_for_records())

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Write the records that are missing; whether the certificate is logged can be changed too."""
        self._arn = str(actual["certificate_arn"])
        if "transparency_logging" in changes:
            self.aws.get(
                "update_certificate_options",
                certificate_arn=self._arn,
                options={"certificate_transparency_logging_preference": self._preference()},
            )
        if "validation_records" in changes or "status" in changes:
            self._write_records(self._wait_for_records())

    def _refuse_homeless(self) -> None:
        if self.params["write_records"] and (homeless := [name for name in self._names() if not self._zone(name)]):
            raise ResourceError(
                f"the certificate {self.name} cannot be validated: no public hosted zone of this account is above "
                f"{', '.join(homeless)}. Make the zone and let its registrar delegate to it, name one of this account "
                "with zone_id, or say write_records: false and write the records where the domain is served"
            )

    def _preference(self) -> str:
        return "ENABLED" if self.params["transparency_logging"] else "DISABLED"

    def _wait_for_records(self) -> dict[str, Any]:
        def named() -> dict[str, Any]:
            detail = self._detail(self._arn)
            options = detail.get("domain_validation_options") or []
            return detail if len(options) and all(option.get("resource_record") for option in options) else {}

        found: dict[str, Any] = self.context.waiter(RECORDS_SECONDS).until(
            named, f"ACM naming the validation records of the certificate {self.name}"
        )
        return found

    def _write_records(self, detail: dict[str, Any]) -> None:
        if not self.params["write_records"]:
            return
        changes: dict[str, list[dict[str, Any]]] = {}
        self._refuse_homeless()
        for record in _records(detail):
            if not self._stands(record):
                change = {"action": "UPSERT", "resource_record_set": _record_set(record)}
                changes.setdefault(self._zone(record["domain_name"]), []).append(change)
        for zone, batch in changes.items():
            self._route53.get(
                "change_resource_record_sets",
                hosted_zone_id=zone,
                change_batch={"comment": f"ACM's validation of {self.name}", "changes": batch},
                retry_on=("PriorRequestNotComplete",),
            )

    # ---- the zones --------------------------------------------------------------------------------------------------
    @property
    def _route53(self) -> Any:
        return self.context.client("route53")

    def _zones(self) -> dict[str, str]:
        """Return the ids of the account's public hosted zones by their names; asked for once."""
        if not hasattr(self, "_public_zones"):
            listed = self._route53.all("list_hosted_zones", "hosted_zones")
            found: dict[str, str] = {}
            for zone in listed:
                if (zone.get("config") or {}).get("private_zone"):
                    continue
                name, zone_id = str(zone["name"]).lower().rstrip("."), str(zone["id"]).rpartition("/")[2]
                if name in found and not self.params["zone_id"]:
                    raise ResourceError(
                        f"there are several public hosted zones {name} ({found[name]}, {zone_id}): "
                        "say which with zone_id"
                    )
                found[name] = zone_id
            self._public_zones = found
        return self._public_zones

    def _zone(self, domain: str) -> str:
        """Return the id of the zone that a name's record belongs to: the public one that is the nearest above it."""
        if self.params["zone_id"]:
            return str(self.params["zone_id"]).rpartition("/")[2]
        name = domain.lower().removeprefix("*.").rstrip(".")
        while name:
            if name in self._zones():
                return self._zones()[name]
            name = name.partition(".")[2]
        return ""

    def _stands(self, record: dict[str, str]) -> bool:
        zone = self._zone(record["domain_name"])
        if not zone:
            return False
        listed = self._route53.get(
            "list_resource_record_sets",
            hosted_zone_id=zone,
            start_record_name=record["name"],
            start_record_type="CNAME",
            max_items="1",
        )
        return any(
            _same(found["name"], record["name"])
            and found["type"] == "CNAME"
            and [_same(item["value"], record["value"]) for item in found.get("resource_records") or []] == [True]
            for found in listed.get("resource_record_sets") or []
        )

    # ---- wait -------------------------------------------------------------------------------------------------------
    def settle(self, changed: bool) -> None:
        """Wait until the certificate is issued."""
        if not (self.params["wait"] and self._arn):
            return
        last: dict[str, Any] = {}

        def issued() -> bool:
            last.clear()
            last.update(self._detail(self._arn))
            if last.get("status") not in USABLE:
                reason = str(last.get("failure_reason") or "no reason given")
                raise ResourceError(
                    f"ACM did not issue the certificate {self.name} of {', '.join(self._names())}: it is "
                    f"{last.get('status')}, {reason}{': ' + REASONS[reason] if reason in REASONS else ''}",
                    validation_records=_records(last),
                )
            return last["status"] == "ISSUED"

        try:
            self.wait(issued, f"the validation of the certificate {self.name}")
        except WaitTimeout as error:
            raise WaitTimeout(self._timed_out(last), validation_records=_records(last)) from error

    def _timed_out(self, detail: dict[str, Any]) -> str:
        missing = [record for record in _records(detail) if record["status"] != "SUCCESS"]
        said = "; ".join(f"for {record['domain_name']} {_said(record)}" for record in missing)
        advice = "Write these records where the domain is served"
        if self.params["write_records"]:
            zones = sorted({self._zone(record["domain_name"]) for record in missing} - {""})
            advice = (
                f"They are in the hosted zone {' and '.join(self._served_by(zone) for zone in zones)}: does the "
                "domain's registrar delegate to these name servers, and does no CAA record forbid amazon.com?"
            )
        return (
            f"the certificate {self.name} of {', '.join(self._names())} was not issued within "
            f"{float(self.params['wait_timeout']):g} seconds. ACM does not see {said or 'its records'}. {advice} "
            "The request stays for 72 hours: run again to go on waiting"
        )

    def _served_by(self, zone: str) -> str:
        answer = self._route53.get("get_hosted_zone", id=zone)
        servers = (answer.get("delegation_set") or {}).get("name_servers") or []
        return f"{answer['hosted_zone']['name'].rstrip('.')} ({zone}; {', '.join(servers)})"

    # ---- remove -----------------------------------------------------------------------------------------------------
    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the certificates of the name as soon as nothing uses them, and the records that no other one needs."""
        for detail in actual["certificates"]:
            arn = detail["certificate_arn"]

            def gone(arn: str = arn) -> bool:
                answer = self.aws.call("delete_certificate", certificate_arn=arn, missing=["ResourceInUseException"])
                return answer is not None

            self.wait(gone, f"the removal of the certificate {self.name}, which is still in use,")
        if self.params["delete_records"]:
            kept = {record["name"].lower() for record in self._records_of_others()}
            for detail in actual["certificates"]:
                for record in _records(detail):
                    if record["name"].lower() not in kept and self._stands(record):
                        kept.add(record["name"].lower())  # once is enough
                        self._delete_record(record)

    def _records_of_others(self) -> list[dict[str, str]]:
        """Return the records of certificates that are left: ACM gives a name the same record in every region."""
        found = []
        for region in sorted({self.aws.region, "us-east-1"}):
            acm = self.context.client("acm", region=region) if region != self.aws.region else self.aws
            listed = acm.all("list_certificates", "certificate_summary_list", includes={"key_types": KEY_TYPES})
            for summary in listed:
                answer = acm.call("describe_certificate", certificate_arn=summary["certificate_arn"], missing=MISSING)
                found += _records((answer or {}).get("certificate") or {})
        return found

    def _delete_record(self, record: dict[str, str]) -> None:
        self._route53.get(
            "change_resource_record_sets",
            hosted_zone_id=self._zone(record["domain_name"]),
            change_batch={"changes": [{"action": "DELETE", "resource_record_set": _record_set(record)}]},
            retry_on=("PriorRequestNotComplete",),
        )

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("add_tags_to_certificate", certificate_arn=actual["certificate_arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get(
            "remove_tags_from_certificate",
            certificate_arn=actual["certificate_arn"],
            tags=[{"key": key} for key in keys],
        )


def _records(detail: dict[str, Any]) -> list[dict[str, str]]:
    """Return the records that prove the names, each once: a name and its wildcard share one."""
    found: dict[str, dict[str, str]] = {}
    for option in detail.get("domain_validation_options") or []:
        record = option.get("resource_record")
        if record:
            found.setdefault(
                record["name"].lower(),
                {
                    "domain_name": option["domain_name"],
                    "status": str(option.get("validation_status") or "PENDING_VALIDATION"),
                    "name": record["name"],
                    "type": record["type"],
                    "value": record["value"],
                },
            )
    return list(found.values())


def _record_set(record: dict[str, str]) -> dict[str, Any]:
    return {
        "name": record["name"],
        "type": record["type"],
        "ttl": RECORD_TTL,
        "resource_records": [{"value": record["value"]}],
    }


def _said(record: dict[str, str]) -> str:
    return f"{record['name']} {record['type']} {record['value']}"


def _same(one: str, other: str) -> bool:
    return one.lower().rstrip(".") == other.lower().rstrip(".")
