# SPDX-License-Identifier: Apache-2.0
"""Limits: by address, and by how much runs."""

import pytest
from streamify_api.domain.errors import OverloadedError
from streamify_api.telemetry_limits import AddressLimiter, Gate


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_the_sustained_rate() -> None:
    clock = Clock()
    limiter = AddressLimiter(2, 5, clock=clock)
    assert [limiter.wait("10.0.0.1") for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert limiter.wait("10.0.0.2") == 0
    clock.now += 1
    assert [limiter.wait("10.0.0.1") for _ in range(3)] == [0, 0, 1]


def test_waiting_as_long_as_told_is_long_enough() -> None:
    clock = Clock()
    limiter = AddressLimiter(0.1, 1, clock=clock)
    assert limiter.wait("a") == 0
    seconds = limiter.wait("a")
    assert seconds == 10
    clock.now += seconds
    assert limiter.wait("a") == 0


def test_addresses_of_one_ipv6_network_are_one() -> None:
    limiter = AddressLimiter(1, 1, clock=Clock())
    assert limiter.wait("2001:db8::1") == 0
    assert limiter.wait("2001:db8::2") == 1
    assert limiter.wait("2001:db8:0:1::1") == 0
    assert limiter.wait("fe80::1%eth0") == 0
    assert limiter.wait("not:an:address") == 0


def test_memory_is_bounded() -> None:
    limiter = AddressLimiter(1, 1, capacity=10, clock=Clock())
    for number in range(1000):
        limiter.wait(f"10.0.{number // 250}.{number % 250}")
    assert len(limiter) == 10


def test_no_rate_is_no_limit() -> None:
    limiter = AddressLimiter(0, 1, clock=Clock())
    assert {limiter.wait("a") for _ in range(1000)} == {0}


def test_a_full_gate_refuses_at_once_and_opens_again() -> None:
    gate = Gate("test", 2)
    with gate:
        with gate, pytest.raises(OverloadedError), gate:
            pass
        with gate:
            pass
    with pytest.raises(ValueError, match="inside"), gate:
        raise ValueError("inside")
    with gate, gate:
        pass
