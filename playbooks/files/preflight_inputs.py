# SPDX-License-Identifier: Apache-2.0
"""What can be told from the inputs alone: unknown variables, and values that AWS would refuse or that do not fit."""

import difflib
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

# Fargate's pairs of CPU units and MiB: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
FARGATE = {
    256: [512, 1024, 2048],
    512: list(range(1024, 4097, 1024)),
    1024: list(range(2048, 8193, 1024)),
    2048: list(range(4096, 16385, 1024)),
    4096: list(range(8192, 30721, 1024)),
    8192: list(range(16384, 61441, 4096)),
    16384: list(range(32768, 122881, 8192)),
}
MOST_SPOT = 90  # percent; a capacity provider of weight 0 places no task, whatever its base
LONGEST_STOP = 120  # seconds that Fargate waits for a task to end
GRPC_METHOD = re.compile(r"/[A-Za-z_][\w.]*/[A-Za-z_]\w*")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]*[a-z0-9]")
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html; one is singular, more are plural.
SCHEDULE = re.compile(r"rate\((1 (minute|hour|day)|(?!1 )[1-9]\d* (minute|hour|day)s)\)|cron\(\S+( \S+){5}\)")
SIMILAR = 0.88  # of difflib: from here on a name is a misspelling of another

Options = dict[str, dict[str, Any]]


def role_options(roles_dir: Path) -> dict[str, Options]:
    """The inputs of each role, from its argument spec."""
    return {
        path.parents[1].name: yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
        for path in sorted(roles_dir.glob("*/meta/argument_specs.yml"))
    }


def variable_findings(roles_dir: Path, given: dict[str, Any], names: list[str]) -> Iterator[str]:
    """Variables that no role knows, and values that are not of the type or choice that the role asks for.

    Args:
        roles_dir: the roles with their argument specs.
        given: the role inputs that somebody set, by name; those that cannot be told before the run are left out.
        names: the names of all variables that somebody set.
    """
    roles = role_options(roles_dir)
    known = {name: role for role, options in roles.items() for name in options}
    for name in sorted(set(names) - set(known)):
        role = next((role for role in sorted(roles, key=len, reverse=True) if name.startswith(f"{role}_")), None)
        alike = difflib.get_close_matches(name, known, n=1, cutoff=0.6 if role else SIMILAR)
        if not (role or alike) or name.endswith("_output"):
            continue
        hint = f"did you mean {alike[0]}?" if alike else f"roles/{role}/README.md lists its inputs"
        yield f"{name}: no role has this input; {hint}"
    for role, options in roles.items():
        own = {name: value for name, value in given.items() if name in options}
        result = ArgumentSpecValidator(_lenient(options)).validate(own)
        for message in result.error_messages:
            yield f"role {role}: {message}; roles/{role}/README.md says what it takes"


def _lenient(options: Options) -> Options:
    """The options without defaults and demands: only what was given is judged."""
    return {
        name: {
            key: value
            for key, value in option.items()
            if key not in ("default", "required", "required_one_of", "description")
        }
        | ({"options": _lenient(option["options"])} if "options" in option else {})
        for name, option in options.items()
    }


def bucket_findings(variable: str, name: str) -> Iterator[str]:
    """What S3 refuses in a bucket's name."""
    if not 3 <= len(name) <= 63:
        yield f"{variable}: '{name}' has {len(name)} characters, a bucket's name 3 to 63: choose another"
    elif not BUCKET.fullmatch(name) or ".." in name:
        yield f"{variable}: '{name}' is no bucket's name: use lower-case letters, digits and hyphens"


def input_findings(inputs: dict[str, Any]) -> list[str]:
    """Values that do not fit together, or that AWS would refuse."""
    return [
        *fargate_findings(inputs["api_service_cpu"], inputs["api_service_memory"]),
        *_janitor_findings(inputs),
        *_spot_findings(inputs),
        *_collector_findings(inputs),
        *_stop_findings(inputs),
        *_balancer_findings(inputs),
        *_port_findings(inputs),
        *network_findings(inputs),
        *_address_findings(inputs),
    ]


def _janitor_findings(inputs: dict[str, Any]) -> Iterator[str]:
    yield from fargate_findings(
        inputs["api_service_janitor_cpu"], inputs["api_service_janitor_memory"], "api_service_janitor"
    )
    schedule = str(inputs["api_service_janitor_schedule"])
    if not SCHEDULE.fullmatch(schedule):
        yield (
            f"api_service_janitor_schedule: '{schedule}' is no schedule that comes again; "
            "write rate(15 minutes) or cron(0 3 * * ? *)"
        )


def _spot_findings(inputs: dict[str, Any]) -> Iterator[str]:
    percent = int(inputs["api_service_spot_percent"])
    if not 0 <= percent <= MOST_SPOT:
        yield f"api_service_spot_percent: {percent}; choose 0 to {MOST_SPOT}, so that some of what scales is never Spot"
    if percent and not inputs["api_service_autoscaling"]:
        yield "api_service_spot_percent: only tasks above the least number are Spot; set api_service_autoscaling, or 0"
    if percent and "FARGATE_SPOT" not in inputs["ecs_cluster_capacity_providers"]:
        yield "api_service_spot_percent: the cluster has no Spot; add FARGATE_SPOT to ecs_cluster_capacity_providers"


def _collector_findings(inputs: dict[str, Any]) -> Iterator[str]:
    if not inputs["api_service_collector"]:
        return
    if not inputs["api_service_collector_image"]:
        yield "api_service_collector_image: a collector needs it; roles/api_service/README.md says which"
    for size in ("cpu", "memory"):
        own, whole = int(inputs[f"api_service_collector_{size}"]), int(inputs[f"api_service_{size}"])
        if own >= whole:
            yield f"api_service_collector_{size}: {own} of the task's {whole} leave the API nothing; choose less"
    if not 0 <= float(inputs["api_service_collector_trace_ratio"]) <= 1:
        yield f"api_service_collector_trace_ratio: {inputs['api_service_collector_trace_ratio']}; choose 0 to 1"


def fargate_findings(cpu: Any, memory: Any, prefix: str = "api_service") -> Iterator[str]:
    """Whether Fargate runs tasks of this size; the prefix begins the inputs' names."""
    try:
        units, mebibytes = int(cpu), int(memory)
    except ValueError:
        yield f"{prefix}_cpu, {prefix}_memory: '{cpu}' and '{memory}' are not both whole numbers (units, MiB)"
        return
    if units not in FARGATE:
        yield f"{prefix}_cpu: Fargate has no {units} CPU units; choose one of {', '.join(map(str, FARGATE))}"
    elif mebibytes not in FARGATE[units]:
        fits = FARGATE[units]
        some = (
            ", ".join(map(str, fits)) if len(fits) < 5 else f"{fits[0]} to {fits[-1]} in steps of {fits[1] - fits[0]}"
        )
        yield f"{prefix}_memory: {mebibytes} MiB does not go with {units} CPU units on Fargate; choose {some}"


def _stop_findings(inputs: dict[str, Any]) -> Iterator[str]:
    stop, drain = int(inputs["api_service_stop_timeout"]), int(inputs["api_service_drain_seconds"])
    grace = int(inputs["api_service_shutdown_grace_seconds"])
    if stop > LONGEST_STOP:
        yield f"api_service_stop_timeout: {stop} s, Fargate waits {LONGEST_STOP} s at most; choose less"
    if stop <= drain + grace:
        yield (
            f"api_service_stop_timeout: {stop} s is not more than api_service_drain_seconds ({drain}) and "
            f"api_service_shutdown_grace_seconds ({grace}) together: tasks would be killed while they serve; raise it"
        )


def _balancer_findings(inputs: dict[str, Any]) -> Iterator[str]:
    interval, timeout = int(inputs["load_balancer_health_interval"]), int(inputs["load_balancer_health_timeout"])
    if not 5 <= interval <= 300:
        yield f"load_balancer_health_interval: {interval} s; ALB takes 5 to 300"
    if timeout >= interval:
        yield f"load_balancer_health_timeout: {timeout} s is not less than the interval ({interval} s); lower it"
    if not str(inputs["load_balancer_http_health_path"]).startswith("/"):
        path = inputs["load_balancer_http_health_path"]
        yield f"load_balancer_http_health_path: '{path}' does not begin with a slash; the HTTP targets need a path"
    if not GRPC_METHOD.fullmatch(str(inputs["load_balancer_grpc_health_path"])):
        path = inputs["load_balancer_grpc_health_path"]
        yield f"load_balancer_grpc_health_path: '{path}' is no gRPC method; write /package.Service/Method"
    slow, algorithm = int(inputs["load_balancer_slow_start"]), inputs["load_balancer_algorithm"]
    if slow and not 30 <= slow <= 900:
        yield f"load_balancer_slow_start: {slow} s; ALB takes 30 to 900, or 0 for none"
    if slow and algorithm != "round_robin":
        yield (
            f"load_balancer_slow_start: ALB refuses slow start with the algorithm {algorithm}; "
            "set load_balancer_slow_start to 0 or load_balancer_algorithm to round_robin"
        )


def _port_findings(inputs: dict[str, Any]) -> Iterator[str]:
    pairs = [
        ("network_http_port", "network_https_port", "listeners of the public balancer"),
        ("network_task_http_port", "network_task_grpc_port", "ports of the API's container"),
    ]
    for first, second, what in pairs:
        if int(inputs[first]) == int(inputs[second]):
            yield f"{second}: {inputs[second]} is also {first}; {what} need two ports"
    for name in ("network_http_port", "network_https_port", "network_grpc_port"):
        if not 1 <= int(inputs[name]) <= 65535:
            yield f"{name}: {inputs[name]} is no port; choose one of 1 to 65535"


def network_findings(inputs: dict[str, Any]) -> Iterator[str]:
    """Zones and subnets that run in step, inside the VPC and apart from each other."""
    zones = list(inputs["network_zones"])
    lists = {name: list(inputs[name]) for name in ("network_private_cidrs", "network_public_cidrs")}
    for name, ranges in lists.items():
        if len(ranges) != len(zones):
            yield f"{name}: {len(ranges)} ranges for {len(zones)} zones (network_zones); give one for each zone"
    if len(set(zones)) != len(zones):
        yield f"network_zones: {', '.join(zones)} names a zone twice; a subnet's zone is where its tasks run"
    try:
        whole = ipaddress.ip_network(inputs["network_cidr"])
        subnets = [ipaddress.ip_network(text) for ranges in lists.values() for text in ranges]
    except ValueError as error:
        yield f"network_cidr, network_private_cidrs, network_public_cidrs: {error}; write ranges such as 10.0.16.0/20"
        return
    for subnet in subnets:
        if not (subnet.version == whole.version and subnet.subnet_of(whole)):  # type: ignore[arg-type]
            yield f"network_cidr: the subnet {subnet} is not inside {whole}; move one of them"
    for number, subnet in enumerate(subnets):
        for other in subnets[:number]:
            if subnet.overlaps(other):
                yield f"network_private_cidrs, network_public_cidrs: {other} and {subnet} overlap; move one of them"


def _address_findings(inputs: dict[str, Any]) -> Iterator[str]:
    public = urlsplit(inputs["public_url"])
    if public.scheme != "https" or not public.hostname:
        yield f"public_url: '{inputs['public_url']}' is not https://host[:port]; cookies are sent over HTTPS only"
        return
    domain = str(inputs["api_service_cookie_domain"]).lstrip(".")
    for variable, host in [("public_url", public.hostname), *(("cdn_aliases", name) for name in inputs["cdn_aliases"])]:
        if domain and host != domain and not host.endswith(f".{domain}"):
            yield (
                f"api_service_cookie_domain: {host} ({variable}) is not in {domain}: playback cookies would not reach "
                "it; name the domain that API and CDN share"
            )
