# SPDX-License-Identifier: Apache-2.0
"""Verified tokens are remembered: until they expire, for a minute at most, so many at most."""

import pytest
from streamify_api.adapters.cache_tokens import CachedVerifier
from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import UnauthenticatedError


class Issuer:
    """Counts what it is asked, and can withdraw everything."""

    def __init__(self) -> None:
        self.asked = 0
        self.withdrawn = False

    def verify(self, token: str) -> Caller:
        self.asked += 1
        if self.withdrawn:
            raise UnauthenticatedError("TOKEN_INVALID", "no")
        return Caller(token, "acme", frozenset(), expire_time=130.0)


class World:
    def __init__(self) -> None:
        self.now = 100.0
        self.issuer = Issuer()
        self.verifier = CachedVerifier(self.issuer, most_seconds=20, capacity=2, now=lambda: self.now)


@pytest.fixture
def world() -> World:
    return World()


def test_a_token_is_verified_once(world: World) -> None:
    assert [world.verifier.verify("a").subject for _ in range(3)] == ["a"] * 3
    assert world.issuer.asked == 1


@pytest.mark.parametrize("later", [20.0, 30.0, -1.0], ids=["a while", "expired", "the clock was set back"])
def test_a_withdrawn_key_counts_for_a_while_only(world: World, later: float) -> None:
    world.verifier.verify("a")
    world.issuer.withdrawn = True
    world.verifier.verify("a")
    world.now += later
    with pytest.raises(UnauthenticatedError):
        world.verifier.verify("a")


def test_what_is_forgotten_is_verified_again(world: World) -> None:
    world.verifier.verify("a")
    world.verifier.forget()
    world.verifier.verify("a")
    assert world.issuer.asked == 2


def test_an_answer_never_outlives_its_token(world: World) -> None:
    world.now = 125.0
    world.verifier.verify("a")
    world.now = 130.0
    world.verifier.verify("a")
    assert world.issuer.asked == 2


def test_refusals_are_not_remembered(world: World) -> None:
    world.issuer.withdrawn = True
    with pytest.raises(UnauthenticatedError):
        world.verifier.verify("a")
    world.issuer.withdrawn = False
    assert world.verifier.verify("a").subject == "a"


def test_memory_is_bounded(world: World) -> None:
    for token in ("a", "b", "c"):
        world.verifier.verify(token)
    assert len(world.verifier) == 2
