# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone is left and taken back; no emulator has this: requests and answers are held against botocore's model."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

Module = Callable[..., dict[str, Any]]
BALANCER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/x-public/0123456789abcdef"
ASKED = {"resource_identifier": BALANCER, "away_from": "euc1-az2", "expires_in": "30m", "comment": "game day"}
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def shift(**changes: Any) -> dict[str, Any]:
    return {
        "zonalShiftId": "shift-1",
        "resourceIdentifier": BALANCER,
        "awayFrom": "euc1-az2",
        "comment": "game day",
        "expiryTime": NOON + dt.timedelta(minutes=30),
        "startTime": NOON,
        "status": "ACTIVE",
        **changes,
    }


def listed(*shifts: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(shifts)}


def test_a_zone_is_left_once(run: Module, aws: Any) -> None:
    aws.answer("ListZonalShifts", listed(), listed(), listed(shift()))
    aws.answer("StartZonalShift", shift())
    foretold = run("arc_zonal_shift", ASKED, check=True)
    assert foretold["changed"]
    assert aws.changes() == []
    done = run("arc_zonal_shift", ASKED)
    assert done["zonal_shift"]["zonal_shift_id"] == "shift-1"
    (request,) = aws.requests("StartZonalShift")
    assert request == {
        "resourceIdentifier": BALANCER,
        "awayFrom": "euc1-az2",
        "expiresIn": "30m",
        "comment": "game day",
    }
    assert not run("arc_zonal_shift", ASKED)["changed"]
    assert aws.requests("ListZonalShifts")[0] == {"resourceIdentifier": BALANCER, "status": "ACTIVE"}


def test_another_zone_is_left_in_place_of_the_first(run: Module, aws: Any) -> None:
    aws.answer("ListZonalShifts", listed(shift()))
    aws.answer("StartZonalShift", shift())
    aws.answer("CancelZonalShift", shift(status="CANCELED"))
    assert run("arc_zonal_shift", {**ASKED, "away_from": "euc1-az3"})["changed"]
    assert aws.changes() == ["CancelZonalShift", "StartZonalShift"]


def test_a_comment_is_changed_without_a_new_shift(run: Module, aws: Any) -> None:
    aws.answer("ListZonalShifts", listed(shift()))
    aws.answer("UpdateZonalShift", shift())
    assert run("arc_zonal_shift", {**ASKED, "comment": "still"})["changed"]
    assert aws.requests("UpdateZonalShift") == [{"zonalShiftId": "shift-1", "comment": "still", "expiresIn": "30m"}]


def test_the_zone_is_taken_back(run: Module, aws: Any) -> None:
    aws.answer("ListZonalShifts", listed(shift()), listed(shift()), listed())
    aws.answer("CancelZonalShift", shift(status="CANCELED"))
    gone = {"resource_identifier": BALANCER, "state": "absent"}
    assert run("arc_zonal_shift", gone, check=True)["changed"]
    assert aws.changes() == []
    assert run("arc_zonal_shift", gone)["changed"]
    assert aws.requests("CancelZonalShift") == [{"zonalShiftId": "shift-1"}]
    assert not run("arc_zonal_shift", gone)["changed"]


@pytest.mark.parametrize("code", ["ConflictException", "ResourceNotFoundException"])
def test_a_shift_that_ended_meanwhile_is_as_good_as_taken_back(code: str, run: Module, aws: Any) -> None:
    aws.answer("ListZonalShifts", listed(shift()))
    aws.fail("CancelZonalShift", code)
    assert run("arc_zonal_shift", {"resource_identifier": BALANCER, "state": "absent"})["changed"]


def test_awss_own_autoshift_is_left_alone(run: Module, aws: Any) -> None:
    aws.answer("ListZonalShifts", listed(shift(shiftType="ZONAL_AUTOSHIFT")))
    assert not run("arc_zonal_shift", {"resource_identifier": BALANCER, "state": "absent"})["changed"]


def test_a_balancer_that_takes_no_shift_is_told(run: Module, aws: Any) -> None:
    aws.answer("ListZonalShifts", listed())
    aws.fail("StartZonalShift", "ResourceNotFoundException")
    assert "zonal_shift.config.enabled" in run("arc_zonal_shift", ASKED)["msg"]
    assert "away_from" in run("arc_zonal_shift", {"resource_identifier": BALANCER})["msg"]
