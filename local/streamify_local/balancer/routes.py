# SPDX-License-Identifier: Apache-2.0
"""Listener rules as Envoy routes: conditions, actions and their order.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
"""

import re
from typing import Any
from urllib.parse import urlsplit

type Json = dict[str, Any]

_REDIRECT_CODES = {"HTTP_301": "MOVED_PERMANENTLY", "HTTP_302": "FOUND"}


class NotEmulatedError(Exception):
    """A rule uses something that the local balancer cannot do; requests that reach it are answered 501."""


def cluster_name(target_group_arn: str) -> str:
    """The stable name of a target group's cluster (and of its files)."""
    return target_group_arn.rsplit(":", 1)[-1].replace("/", "_")


def routes(rules: list[Json], common: Json) -> list[Json]:
    """Routes in the order ALB evaluates rules: by priority, the default rule last.

    Args:
        rules: as DescribeRules gives them.
        common: what every forwarding RouteAction shares (time-outs, retries).
    """
    ordered = sorted(rules, key=lambda rule: (rule["IsDefault"], _priority(rule)))
    found = []
    for rule in ordered:
        try:
            found.append({"match": _match(rule["Conditions"]), **_action(rule["Actions"], common)})
        except NotEmulatedError as problem:
            body = {"status": 501, "body": {"inline_string": f"The local balancer does not emulate {problem}.\n"}}
            found.append({"match": {"prefix": "/"}, "direct_response": body})
    return found


def _priority(rule: Json) -> int:
    return int(rule["Priority"]) if rule["Priority"].isdigit() else 0


def wildcard(pattern: str) -> str:
    """ALB's wildcards as a regular expression: * is any number of characters, ? exactly one."""
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _any(patterns: list[str]) -> str:
    return "|".join(f"(?:{wildcard(pattern)})" for pattern in patterns)


def _match(conditions: list[Json]) -> Json:
    match: Json = {"prefix": "/"}
    headers = []
    for condition in conditions:
        field, values = condition["Field"], condition.get("Values", [])
        if field == "path-pattern":  # case-sensitive
            del match["prefix"]
            match["safe_regex"] = {"regex": _any(values)}
        elif field == "host-header":  # case-insensitive, without the port
            headers.append(_header(":authority", f"(?i)(?:{_any(values)})(?::\\d+)?"))
        elif field == "http-header":
            config = condition["HttpHeaderConfig"]
            headers.append(_header(config["HttpHeaderName"], f"(?i)(?:{_any(config['Values'])})"))
        elif field == "http-request-method":
            headers.append(_header(":method", _any(values)))
        else:
            raise NotEmulatedError(f"the condition '{field}'")
    return {**match, "headers": headers} if headers else match


def _header(name: str, regex: str) -> Json:
    return {"name": name, "string_match": {"safe_regex": {"regex": regex}}}


def _action(actions: list[Json], common: Json) -> Json:
    if len(actions) != 1:
        raise NotEmulatedError("several actions in one rule")
    action = actions[0]
    match action["Type"]:
        case "forward":
            return {"route": {**_forward(action), **common}}
        case "redirect":
            return {"redirect": _redirect(action["RedirectConfig"])}
        case "fixed-response":
            config = action["FixedResponseConfig"]
            body = {"inline_string": config["MessageBody"]} if config.get("MessageBody") else None
            answer: Json = {
                "direct_response": {"status": int(config["StatusCode"]), **({"body": body} if body else {})}
            }
            if config.get("ContentType"):
                answer["response_headers_to_add"] = [set_header("content-type", config["ContentType"])]
            return answer
        case other:
            raise NotEmulatedError(f"the action '{other}'")


def set_header(name: str, value: str) -> Json:
    """A header to set, whatever was there."""
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _forward(action: Json) -> Json:
    groups = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
    if len(groups) == 1:
        return {"cluster": cluster_name(groups[0]["TargetGroupArn"])}
    weights = [{"name": cluster_name(group["TargetGroupArn"]), "weight": group["Weight"]} for group in groups]
    return {"weighted_clusters": {"clusters": weights}}


def _redirect(config: Json) -> Json:
    redirect: Json = {"response_code": _REDIRECT_CODES[config["StatusCode"]]}
    if config["Protocol"] != "#{protocol}":
        redirect["scheme_redirect"] = config["Protocol"].lower()
    if config["Port"] != "#{port}":
        redirect["port_redirect"] = int(config["Port"])
    if config["Host"] != "#{host}":
        redirect["host_redirect"] = config["Host"]
    path, query = config["Path"], config["Query"]
    if path != "/#{path}":
        redirect["path_redirect"] = path if query in ("", "#{query}") else f"{path}?{query}"
    elif query not in ("", "#{query}"):
        raise NotEmulatedError("a redirect that keeps the path and sets the query")
    if query == "":
        redirect["strip_query"] = True
    if "#{" in "".join(str(value) for value in redirect.values()) or urlsplit(path).netloc:
        raise NotEmulatedError("a redirect with placeholders inside a value")
    return redirect
