# SPDX-License-Identifier: Apache-2.0
"""What is counted, and what chance may add to it."""

import math

from chaos import records
from chaos.records import Client, Record


def made(due: float, problem: str | None = None, client: Client = Client.PLAIN, kind: str = "open") -> Record:
    return Record(kind, client, due, due + 0.1, problem)


def test_error_window_is_from_the_first_to_the_last_request_that_failed() -> None:
    assert records.error_window([made(1), made(2, "x"), made(3), made(7, "x"), made(9)]) == 5
    assert records.error_window([made(1), made(2)]) == 0


def test_records_are_chosen_by_client_kind_and_when_they_were_due() -> None:
    all_of_them = [made(1), made(2, client=Client.ONCE), made(3, kind="create"), made(4)]
    assert records.chosen(all_of_them, Client.PLAIN, frozenset({"open"}), since=2) == [all_of_them[3]]


def test_latency_counts_from_when_the_request_was_due() -> None:
    assert Record("open", Client.PLAIN, due=1.0, end=3.5).seconds == 2.5


def test_share_is_judged_with_three_standard_deviations() -> None:
    assert records.is_at_most(33 + 14, 100, 1 / 3)
    assert not records.is_at_most(33 + 15, 100, 1 / 3)
    assert records.is_at_most(0, 0, 1 / 3)


def test_quantile_is_by_nearest_rank() -> None:
    assert records.quantile([3, 1, 2], 0.5) == 2
    assert records.quantile(range(1, 101), 0.99) == 99
    assert math.isnan(records.quantile([], 0.5))
