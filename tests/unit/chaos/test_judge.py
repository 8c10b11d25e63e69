# SPDX-License-Identifier: Apache-2.0
"""A result is held against what is promised for its fault."""

from pathlib import Path

from chaos import judge, report
from chaos.experiment import Result
from chaos.faults import FAULTS
from chaos.history import Verdict
from chaos.pace import Pace
from chaos.platform import Health
from chaos.records import Client, Record

PACE = Pace(rate=10, patience=2, cost=0.01, usual=0.01)


def result(fault: str, mode: str, failures: dict[float, Client], recovered: float = 20.0) -> Result:
    """30 s with ten requests a second of each client; those due at the given times failed."""
    records = [
        Record("open", client, due / 10, due / 10 + 0.01, "no" if failures.get(due / 10) is client else None)
        for due in range(300)
        for client in Client
    ]
    health = [(0.0, Health({"a": 1, "b": 2}, whole=True)), (11.0, Health({"b": 2}, whole=False))]
    verdict = Verdict(3, 3, [], [], [])
    return Result(
        FAULTS[fault], mode, PACE, 10, 1, records, health, 10.0, 10.0, recovered, 30.0, verdict=verdict,
        measured={"attempts a call": 1.2, "calls": 1e6, "capacity": 30.0},
    )  # fmt: skip


def missed(seen: Result) -> list[str]:
    return [judgement.text for judgement in judge.judge(seen) if judgement.problem]


def test_nothing_failed_and_every_promise_is_kept() -> None:
    for fault in FAULTS:
        for mode in judge.MODES:
            seen = result(fault, mode, {}, recovered=10.0)
            seen.ended = 25.0
            assert missed(seen) == [], fault


def test_one_failure_after_a_retry_breaks_a_promise_of_none() -> None:
    assert missed(result("task_killed", "tuned", {11.0: Client.ONCE})) == ["one retry: 0 failed"]
    assert missed(result("task_killed", "tuned", {11.0: Client.PLAIN})) == [], "nothing is promised without a retry"
    assert missed(result("task_drained", "alb", {11.0: Client.PLAIN})) == ["no retry: 0 failed"]


def test_failures_of_requests_that_ended_before_the_fault_are_not_its_doing() -> None:
    assert missed(result("task_killed", "tuned", {9.0: Client.ONCE})) == []


def test_a_request_that_was_under_way_at_the_strike_counts() -> None:
    seen = result("task_killed", "tuned", {})
    seen.records.append(Record("open", Client.ONCE, 9.9, 12.0, "no answer"))
    assert missed(seen) == ["one retry: 0 failed"]


def test_errors_may_last_fifteen_seconds_and_hit_a_third() -> None:
    text = "no retry: errors for at most 15 s, of at most a third of requests"
    third = {10 + number * 0.3: Client.PLAIN for number in range(49)}
    assert missed(result("zone_loss", "alb", {round(due, 1): who for due, who in third.items()})) == []
    assert missed(result("zone_loss", "alb", {10.0: Client.PLAIN, 25.1: Client.PLAIN})) == [text]
    most = {round(10 + number * 0.1, 1): Client.PLAIN for number in range(100)}
    assert missed(result("zone_loss", "alb", most)) == [text]


def test_full_capacity_has_a_limit() -> None:
    assert missed(result("task_killed", "tuned", {}, recovered=40.1)) == ["full capacity within 30 s"]


def test_a_busy_machine_is_no_measure_of_time() -> None:
    seen = result("task_killed", "tuned", {}, recovered=40.1)
    seen.idle = 0.14
    assert missed(seen) == []
    text = report.markdown([seen], [], seed=1)
    assert "NOT JUDGED: full capacity within 30 s (it took 30.1 s, and the machine was idle for 14 % only)" in text
    assert "| 1 NOT JUDGED |" in text


def test_a_write_that_was_lost_is_a_miss_whatever_else_holds() -> None:
    seen = result("slow_task", "tuned", {})
    seen.verdict = Verdict(3, 3, ["one: the upload is gone"], [], [])
    assert missed(seen) == ["no acknowledged write lost or doubled"]


def test_more_attempts_a_call_than_allowed_are_a_miss() -> None:
    seen = result("dynamodb_throttled", "tuned", {})
    seen.measured = {"attempts a call": 1.51, "calls": 1e6}
    assert missed(seen) == ["at most 1.5 attempts a call"]
    seen.measured = {"attempts a call": 1.7, "calls": 100}
    assert missed(seen) == [], "so few calls may take so many by chance"


def test_every_fault_of_the_table_has_its_promises() -> None:
    assert set(judge.PROMISES) | set(judge.CAPACITY_SECONDS) == set(FAULTS)


def test_the_report_tells_machine_seed_table_and_what_was_missed() -> None:
    seen = result("task_killed", "tuned", {11.0: Client.ONCE})
    text = report.markdown([seen], ["zone_loss (alb): it could not be made"], seed=77)
    assert "Seed 77" in text
    assert (
        "| task_killed | tuned | 0 of 200 | 1 of 200 | 0 of 200 | 0.0 s | 10.0 s | 3: 0 lost, 0 doubled | 1 MISSED |"
        in text
    )
    assert "NOT MADE: zone_loss (alb)" in text
    assert "MISSED: one retry: 0 failed (1 failed, such as open after 1 attempts: no)" in text


def test_the_report_is_written_with_its_plots(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    report.write(folder, [result("zone_loss", "alb", {11.0: Client.PLAIN})], [], seed=1)
    assert {path.name for path in folder.iterdir()} == {"report.md", "report.html", "results.json", "zone_loss-alb.svg"}
    page = (folder / "report.html").read_text()
    assert page.count("<svg") == 1
    assert "failed, %" in page
