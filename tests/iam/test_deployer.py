# SPDX-License-Identifier: Apache-2.0
"""A deployer with the shipped policies alone deploys, repairs, rotates and tears down; nothing granted is idle.

One journey is made under the emulator's IAM evaluation, which records every evaluation with all that it went by. The
same evaluator then judges the record again with parts of the policies left out.
"""

import json
from typing import Any

import pytest
import yaml
from iam.ablation import Cut, Outcome, Platform
from iam.cloud import NAME, ROOT, STATE, Caller, Cloud, Evaluation, iam_cloud, recorded, user_of
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document
from support.drifts import DRIFTS
from support.playbooks import Run, play

PLATFORM = f"streamify-{NAME}"
# The journey is made within the first test.
pytestmark = pytest.mark.timeout(2400)
QUICK_ROTATION = "rotate_keys_cookie_seconds=5 rotate_keys_margin_seconds=2 rotate_keys_propagation_seconds=2"
PARTS = {
    "playbook": ROOT / "playbooks" / "files" / "iam.yml",
    **{path.parents[1].name: path for path in sorted(ROOT.glob("roles/*/files/iam.yml"))},
}
_VARIABLES = yaml.safe_load((ROOT / "roles" / "api_service" / "vars" / "main.yml").read_text())
_EDGES = [_VARIABLES["__api_service_edges_statement"]]
# What the platform's own roles may do: their statements, as the role's variables say them.
ROLES = {
    "api-task": _VARIABLES["__api_service_task_statements"] + _EDGES,
    "api-execution": _VARIABLES["__api_service_execution_policy"]["Statement"],
    "api-janitor": _VARIABLES["__api_service_janitor_statements"] + _EDGES,
    "api-schedule": _VARIABLES["__api_service_schedule_policy"]["Statement"],
}


class Journey:
    """What was run, what it said, and what IAM was asked meanwhile."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.policies: list[dict[str, Any]] = []
        self.evaluations: list[Evaluation] = []
        self.ablation: dict[tuple[str, Cut | None], Outcome] = {}

    @property
    def statements(self) -> dict[str, dict[str, Any]]:
        return {each["Sid"]: each for document in self.policies for each in document["Statement"]}


def rendered() -> list[dict[str, Any]]:
    """The deployer's policies for this environment."""
    directory = STATE / "policies"
    made = play("playbooks/deployer_policy.yml", "-e", f"deployer_policy_dir={directory}")
    assert made.code == 0, made.output
    return [json.loads(path.read_text()) for path in sorted(directory.glob("deployer-*.json"))]


def travel(cloud: Cloud, deployer: Caller, journey: Journey) -> None:
    """Deploy, deploy again, mend, ablate, rotate, roll back, release, tear down; ends at the first failure."""

    def step(name: str, playbook: str, *arguments: str) -> bool:
        run = journey.runs[name] = cloud.play(deployer, playbook, *arguments)
        print(f"  {name}: {'ok' if run.code == 0 else 'FAILED'}, {len(run.changes)} changes", flush=True)
        return run.code == 0

    def drift() -> bool:
        for each in DRIFTS:
            each.make(cloud.aws, PLATFORM)
        return True

    def ablation() -> bool:
        outputs = json.loads((STATE / "deployment.json").read_text())
        journey.ablation = Platform(cloud, PLATFORM, outputs).ablate()
        return True

    def running() -> str:
        found = cloud.aws("ecs").describe_services(cluster=PLATFORM, services=[f"{PLATFORM}-api"])["services"]
        return str(found[0]["taskDefinition"])

    gone = f"teardown_confirm={NAME} teardown_local_cloud=false"
    _ = (
        step("plan", "site.yml", "--check")
        and step("first", "site.yml")
        and step("second", "site.yml")
        and drift()
        and step("repair", "site.yml")
        and ablation()
        and step("rotation", "playbooks/rotate_keys.yml", "-e", QUICK_ROTATION)
        and step("status", "playbooks/status.yml")
        and step("rollback", "playbooks/rollback.yml", "-e", f"rollback_to={running()}")
        and step("release", "playbooks/release.yml")
        and step("teardown", "playbooks/teardown.yml", "-e", gone)
    )


@pytest.fixture(scope="module")
def journey() -> Journey:
    made = Journey()
    with iam_cloud() as cloud:
        made.policies = rendered()
        travel(cloud, cloud.caller("deployer", made.policies), made)
        made.evaluations = [each for each in recorded() if user_of(each) == "deployer"]
        kept = ROOT / ".local" / "artefacts"
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "iam.jsonl").write_text("".join(json.dumps(each) + "\n" for each in made.evaluations))
    return made


def allows(evaluation: Evaluation, statements: list[dict[str, Any]]) -> bool:
    """Whether the emulator's evaluator allows a recorded request to whoever has these statements alone."""
    policy = parse_policy_document({"Version": "2012-10-17", "Statement": statements})
    return bool(evaluate(EvalContext(**evaluation["context"]), [policy]).decision == "Allow")


def entries(part: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load(PARTS[part].read_text()))


def test_everything_passes_under_the_deployers_policies(journey: Journey) -> None:
    failed = {name: run.output[-3000:] for name, run in journey.runs.items() if run.code}
    assert failed == {}
    assert list(journey.runs)[-1] == "teardown"


def test_a_second_run_changes_nothing_and_a_repair_names_what_it_mends(journey: Journey) -> None:
    assert journey.runs["second"].changes == []
    assert len(journey.runs["repair"].changes) >= 20


def test_no_request_was_refused(journey: Journey) -> None:
    refused = {
        (each["by"], each["context"]["action"], each["context"]["resource_arn"])
        for each in journey.evaluations
        if each["decision"] != "Allow"
    }
    assert refused == set()


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_part_alone_grants_what_its_role_asks_for(journey: Journey, part: str) -> None:
    own = [journey.statements[entry["sid"]] for entry in entries(part)]
    missing = {
        (each["context"]["action"], each["context"]["resource_arn"])
        for each in journey.evaluations
        if each["by"] == part and not allows(each, own)
    }
    assert missing == set()


@pytest.mark.parametrize("part", sorted(PARTS))
def test_each_action_left_out_of_a_part_makes_a_request_of_its_role_fail(journey: Journey, part: str) -> None:
    """No idle grant; what `unseen` excuses must be what the journey truly does not ask for."""
    asked = [each for each in journey.evaluations if each["by"] == part]
    idle, excused = [], []
    for entry in entries(part):
        unseen = set(entry.get("unseen_actions", entry["actions"] if "unseen" in entry else []))
        others = [journey.statements[each["sid"]] for each in entries(part) if each["sid"] != entry["sid"]]
        statement = journey.statements[entry["sid"]]
        for action in entry["actions"]:
            left = {**statement, "Action": [each for each in statement["Action"] if each != action]}
            rest = [*others, left] if left["Action"] else others
            fails = any(each["context"]["action"] == action and not allows(each, rest) for each in asked)
            if fails and action in unseen:
                excused.append((entry["sid"], action))
            if not fails and action not in unseen:
                idle.append((entry["sid"], action))
    assert idle == []
    assert excused == [], "the journey does ask for these: take them out of unseen_actions"


@pytest.mark.parametrize("role", sorted(ROLES))
def test_with_its_whole_policy_everything_works_that_a_role_is_for(journey: Journey, role: str) -> None:
    whole = journey.ablation[role, None]
    assert (whole.failures, whole.refused) == ({}, set())


@pytest.mark.parametrize(
    ("role", "sid"), [(role, each["Sid"]) for role, statements in sorted(ROLES.items()) for each in statements]
)
def test_each_part_left_out_of_a_roles_policy_makes_something_fail(journey: Journey, role: str, sid: str) -> None:
    """Each action, and each of several resources; the policy is changed in IAM while the containers run."""
    tried = {cut: made for (_, cut), made in journey.ablation.items() if cut and (cut.role, cut.sid) == (role, sid)}
    idle = [cut.value for cut, made in tried.items() if not made.failures]
    unseen = [cut.value for cut, made in tried.items() if cut.key == "Action" and cut.value not in made.refused]
    assert tried
    assert (idle, unseen) == ([], [])
