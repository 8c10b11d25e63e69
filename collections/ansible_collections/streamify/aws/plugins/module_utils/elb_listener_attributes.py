# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a listener of an Application Load Balancer has beside its rules: attributes and mutual authentication."""

from __future__ import annotations

from typing import Any

from .core.compare import given
from .core.errors import ResourceError
from .core.resource import UNKNOWN, Outcome, Resource

_REQUEST = (
    "mtls_clientcert",
    "mtls_clientcert_issuer",
    "mtls_clientcert_leaf",
    "mtls_clientcert_serial_number",
    "mtls_clientcert_subject",
    "mtls_clientcert_validity",
    "tls_cipher_suite",
    "tls_version",
)
_RESPONSE = (
    "access_control_allow_credentials",
    "access_control_allow_headers",
    "access_control_allow_methods",
    "access_control_allow_origin",
    "access_control_expose_headers",
    "access_control_max_age",
    "content_security_policy",
    "strict_transport_security",
    "x_content_type_options",
    "x_frame_options",
)
# Every attribute with AWS's default.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html
DEFAULTS = {
    "routing.http.response.server.enabled": "true",
    **{f"routing.http.response.{name}.header_value": "" for name in _RESPONSE},
    **{
        f"routing.http.request.x_amzn_{name}.header_name": f"X-Amzn-{name.replace('_', '-').title()}"
        for name in _REQUEST
    },
}
# They exist on HTTPS listeners only.
_SECURE = tuple(f"routing.http.request.x_amzn_{name}.header_name" for name in _REQUEST)
OFF: dict[str, Any] = {"mode": "off"}
_VERIFY_DEFAULTS = {"ignore_client_certificate_expiry": False, "advertise_trust_store_ca_names": "off"}
MISSING = ["ListenerNotFound", "LoadBalancerNotFound"]


class ListenerAttributes(Resource):
    """The attributes and the mutual authentication of a listener that exists."""

    service = "elbv2"
    kind = "listener"
    result = "listener"
    identifier = "load_balancer"

    @property
    def name(self) -> str:
        """The load balancer's name and the listener's port."""
        return f"{self.params['load_balancer']}:{self.params['port']}"

    def describe(self) -> dict[str, Any] | None:
        """Return the listener on the port."""
        listener = self._find()
        if not listener:
            return None
        arn = listener["listener_arn"]
        attributes = self.aws.get("describe_listener_attributes", listener_arn=arn).get("attributes") or []
        return {
            "listener_arn": arn,
            "load_balancer_arn": listener["load_balancer_arn"],
            "port": listener["port"],
            "protocol": listener["protocol"],
            "mutual_authentication": _whole(given(listener.get("mutual_authentication") or OFF)),
            "attributes": {item["key"]: item.get("value") or "" for item in attributes},
        }

    def _find(self) -> dict[str, Any] | None:
        balancer = str(self.params["load_balancer"])
        if not balancer.startswith("arn:"):
            found = self.aws.call("describe_load_balancers", names=[balancer], missing=MISSING)
            balancers = (found or {}).get("load_balancers") or []
            if not balancers:
                return None
            balancer = balancers[0]["load_balancer_arn"]
        found = self.aws.call("describe_listeners", load_balancer_arn=balancer, missing=MISSING)
        listeners = (found or {}).get("listeners") or []
        return next((item for item in listeners if item.get("port") == self.params["port"]), None)

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for; attributes are strings, as AWS writes them."""
        asked = self.params["attributes"]
        attributes = None if asked is None else {key: _text(value) for key, value in asked.items() if value is not None}
        unknown = sorted(set(attributes or {}) - set(DEFAULTS))
        if unknown:
            raise ResourceError(f"the listener {self.name}: AWS has no attribute named {', '.join(unknown)}")
        authentication = self._authentication()
        if actual and actual["protocol"] != "HTTPS":
            secure = sorted(set(attributes or {}) & set(_SECURE))
            if secure or (authentication or OFF)["mode"] != "off":
                what = ", ".join(secure) or "mutual authentication"
                raise ResourceError(f"the listener {self.name} is an {actual['protocol']} one: {what} needs HTTPS")
        return {"attributes": attributes, "mutual_authentication": authentication}

    def _authentication(self) -> dict[str, Any] | None:
        asked = given(self.params["mutual_authentication"])
        if asked is None or asked["mode"] == "verify":
            return _whole(asked) if asked else None
        more = sorted(set(asked) - {"mode"})
        if more:
            raise ResourceError(
                f"the listener {self.name}: {', '.join(more)} needs mutual authentication in mode verify"
            )
        return asked

    def create(self, desired: dict[str, Any]) -> None:
        """Refuse: a listener belongs to its load balancer."""
        raise ResourceError(
            f"the load balancer {self.params['load_balancer']} has no listener on {self.params['port']}"
        )

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what differs."""
        arn = actual["listener_arn"]
        if "mutual_authentication" in changes:
            self.aws.get("modify_listener", listener_arn=arn, mutual_authentication=desired["mutual_authentication"])
        if "attributes" in changes:
            self._set(actual, desired["attributes"])

    def _set(self, actual: dict[str, Any], attributes: dict[str, str]) -> None:
        different = {key: value for key, value in attributes.items() if actual["attributes"].get(key) != value}
        if different:
            self.aws.get(
                "modify_listener_attributes",
                listener_arn=actual["listener_arn"],
                attributes=[{"key": key, "value": value} for key, value in sorted(different.items())],
            )

    def ensure_absent(self, check_mode: bool) -> Outcome:
        """Give the listener AWS's defaults again; the listener stays."""
        actual = self.describe()
        if actual is None:
            return Outcome(False, None)
        defaults = {key: value for key, value in DEFAULTS.items() if key in actual["attributes"]}
        before = {key: actual[key] for key in ("attributes", "mutual_authentication")}
        after = {"attributes": {**actual["attributes"], **defaults}, "mutual_authentication": OFF}
        enforced = actual["mutual_authentication"]["mode"] != "off"
        if before["attributes"] == after["attributes"] and not enforced:
            return Outcome(False, None)
        if not check_mode:
            if enforced:
                self.aws.get("modify_listener", listener_arn=actual["listener_arn"], mutual_authentication=OFF)
            self._set(actual, defaults)
        return Outcome(True, None, before, after)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the port; the listener's ARN is chance's."""
        return {"port": self.params["port"], "listener_arn": UNKNOWN}


def _whole(authentication: dict[str, Any]) -> dict[str, Any]:
    return {**_VERIFY_DEFAULTS, **authentication} if authentication["mode"] == "verify" else authentication


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
