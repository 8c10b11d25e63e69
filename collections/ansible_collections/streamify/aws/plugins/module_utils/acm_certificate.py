# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates imported into AWS Certificate Manager, found again by their Name tag."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from .core import tags as tagging
from .core.errors import ResourceError
from .core.resource import UNKNOWN, Resource

# ListCertificates leaves out all but RSA_1024 and RSA_2048 unless the types are named.
# https://docs.aws.amazon.com/acm/latest/APIReference/API_Filters.html
KEY_TYPES = [
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
]
BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


def fingerprints(pem: str | None) -> list[str]:
    """Return the SHA-256 fingerprint of each certificate in a PEM text, whatever its line breaks.

    :raises ResourceError: the text holds something that is no certificate.
    """
    try:
        return [
            hashlib.sha256(base64.b64decode("".join(body.split()), validate=True)).hexdigest()
            for body in BLOCK.findall(pem or "")
        ]
    except ValueError:
        raise ResourceError("a certificate is not in PEM format") from None


class Certificate(Resource):
    """An imported certificate with its chain."""

    service = "acm"
    kind = "certificate"
    result = "certificate"

    def describe(self) -> dict[str, Any] | None:
        """Return the imported certificate whose Name tag is ours."""
        listed = self.aws.all("list_certificates", "certificate_summary_list", includes={"key_types": KEY_TYPES})
        found = []
        for summary in listed:
            if summary.get("type", "IMPORTED") != "IMPORTED":
                continue  # one of acm_certificate_request
            arn = summary["certificate_arn"]
            tags = tagging.to_dict(self.aws.get("list_tags_for_certificate", certificate_arn=arn).get("tags"))
            if tags.pop("Name", None) == self.name:
                found.append({"certificate_arn": arn, "domain_name": summary.get("domain_name"), "tags": tags})
        if len(found) > 1:
            arns = ", ".join(item["certificate_arn"] for item in found)
            raise ResourceError(f"more than one certificate is named {self.name}: {arns}. Remove all but one")
        if not found or self.params["state"] == "absent":
            return found[0] if found else None
        texts = self.aws.get("get_certificate", certificate_arn=found[0]["certificate_arn"])
        return {
            **found[0],
            "certificate_sha256": fingerprints(texts.get("certificate")),
            "chain_sha256": fingerprints(texts.get("certificate_chain")),
        }

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for: fingerprints, because keys cannot be read back."""
        own = fingerprints(self.params["certificate"])
        if len(own) != 1:
            raise ResourceError(f"the certificate {self.name}: certificate holds {len(own)} certificates, not one")
        return {"certificate_sha256": own, "chain_sha256": fingerprints(self.params["certificate_chain"])}

    def create(self, desired: dict[str, Any]) -> None:
        """Import the certificate under a new ARN."""
        self._import(tags=tagging.to_list({"Name": self.name, **(desired.get("tags") or {})}))

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Import the certificate again under its ARN: what uses it goes on without a break."""
        self._import(certificate_arn=actual["certificate_arn"])

    def _import(self, **request: Any) -> None:
        chain = self.params["certificate_chain"]
        self.aws.get(
            "import_certificate",
            certificate=self.params["certificate"].encode(),
            private_key=self.params["private_key"].encode(),
            certificate_chain=chain.encode() if chain else None,
            **request,
        )

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the certificate as soon as nothing uses it any more."""
        arn = actual["certificate_arn"]

        def gone() -> bool:
            return (
                self.aws.call("delete_certificate", certificate_arn=arn, missing=["ResourceInUseException"]) is not None
            )

        self.wait(gone, f"the removal of the certificate {self.name}, which is still in use,")

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the ARN without its random end."""
        return {"certificate_arn": self.arn("acm", f"certificate/{UNKNOWN}")}

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
