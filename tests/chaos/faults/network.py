# SPDX-License-Identifier: Apache-2.0
"""Packets that do not arrive: a zone that is cut off, a target whose health checks fail.

Packets are dropped in the host's firewall. The bridge stays up: without its route, requests would leave elsewhere.
"""

import ipaddress

from chaos.faults.base import Fault, Site
from chaos.platform import ChaosError
from chaos.undo import iptables
from streamify_local import switches

_CHECKER = "ELB-HealthChecker"  # the user agent of every HTTP health check, on a connection of its own


def block(site: Site, chain: str, *rule: str, table: str = "raw") -> None:
    """Insert a rule that the undo removes.

    Raises:
        ChaosError: iptables refused.
    """
    words = [*rule, "-m", "comment", "--comment", f"chaos-{site.platform.name}"]
    site.undo.add("remove_rule", table=table, chain=chain, rule=words)
    if not iptables("-t", table, "-I", chain, *words):
        raise ChaosError(f"iptables refused a rule in {table}/{chain}: run this as root.")


def _cut(site: Site) -> None:
    """Drop all packets to and from one zone's addresses; ECS places nothing there, as after a zonal shift."""
    (task,) = site.victims()
    subnets = site.platform.aws("ec2").describe_subnets(Filters=[{"Name": "availability-zone", "Values": [task.zone]}])[
        "Subnets"
    ]
    mine = [subnet["CidrBlock"] for subnet in subnets if _holds(subnet["CidrBlock"], task.address)]
    if len(mine) != 1:
        raise ChaosError(f"the subnet of {task.address} in {task.zone} was not found.")
    site.undo.add("all_zones")
    switches.set_impaired_zones(site.platform.environment.state_dir, [task.zone])
    block(site, "PREROUTING", "-s", mine[0], "-j", "DROP")
    block(site, "OUTPUT", "-d", mine[0], "-j", "DROP")


def _holds(cidr: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)


def _fail_checks(site: Site) -> None:
    """Requests still reach the task; only health checks over HTTP are reset."""
    (task,) = site.victims()
    rule = ("-d", f"{task.address}/32", "-p", "tcp", "-m", "string", "--string", _CHECKER, "--algo", "bm")
    block(site, "OUTPUT", *rule, "-j", "REJECT", "--reject-with", "tcp-reset", table="filter")


FAULTS = (
    Fault("zone_loss", "one zone is cut off: packets to and from its addresses are dropped", _cut, 60, 25, takes=1),
    Fault("target_unhealthy", "one task serves, but its health checks fail", _fail_checks, 40, 25, takes=1),
)
