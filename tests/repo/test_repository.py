# SPDX-License-Identifier: Apache-2.0
"""Rules that hold for the whole repository."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CODE = {".py", ".yml", ".yaml", ".j2", ".js", ".css", ".html", ".sh", ".proto"}
LONGEST = 400


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())


def test_no_file_is_long_without_a_reason() -> None:
    too_long = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in CODE
        and len(lines := text_of(path).splitlines()) > LONGEST
        and not any("Long because" in line for line in lines[:10])
    ]
    assert too_long == []


def test_nothing_names_the_machine_it_was_written_on() -> None:
    home = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/")
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path != Path(__file__)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if home.search(line)
    ]
    assert named == []


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda path: path.name)
def test_requirements_are_pinned_with_hashes_and_name_no_host(lock: Path) -> None:
    requirements = re.split(r"\n(?=\S)", lock.read_text().strip())
    for requirement in requirements:
        if requirement.startswith("#"):
            continue
        assert re.match(r"[A-Za-z0-9._-]+(\[[^]]+\])?==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement
    assert "://" not in lock.read_text()


def test_one_environment_can_hold_every_lock() -> None:
    """dev is installed over deploy in the same virtual environment: they must agree."""

    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    dev = versions("dev.lock")
    for name in ("deploy.lock", "api.lock"):
        assert versions(name).items() <= dev.items(), name


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_a_roles_defaults_and_required_options_are_its_argument_spec(role: Path) -> None:
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text()) or {}
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    required = {name for name, option in specs.items() if option.get("required")}
    assert set(defaults) | required == set(specs)
    assert not set(defaults) & required, "a required option has a default"
    assert all(name.startswith(f"{role.name}_") for name in specs)


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_a_role_is_whole(role: Path) -> None:
    for part in ("README.md", "tasks/main.yml", "tasks/teardown.yml", "meta/main.yml"):
        assert (role / part).is_file(), f"{role.name} has no {part}"
    documented = (role / "README.md").read_text()
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert [name for name in specs if f"`{name}`" not in documented] == []
    assert f"{role.name}_output" in documented


def test_the_roles_readmes_are_made_from_their_specs() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "build-role-readmes"), "--check"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize("role", [role for role in ROLES if role.name != "local_cloud"], ids=lambda path: path.name)
def test_a_role_has_a_scenario_that_asks_aws_and_changes_it_by_hand(role: Path) -> None:
    scenario = ROOT / "molecule" / role.name
    assert (scenario / "molecule.yml").is_file()
    assert "def test_" in "".join(path.read_text() for path in scenario.glob("test_*.py"))
    assert f'@drift("{role.name}", ' in (ROOT / "tests" / "support" / "drifts.py").read_text()


def test_no_file_hides_a_warning() -> None:
    """What a run warns of fails the tests; its cause is mended, never its message."""
    hides = re.compile(
        r"(?i)(deprecation|system|localhost|inventory_unparsed|devel)_?warnings?\s*[=:]\s*['\"]?(false|0|no|off)\b|PYTHONWARNINGS"
    )
    hiding = [
        str(path.relative_to(ROOT)) for path in tracked() if path != Path(__file__) and hides.search(text_of(path))
    ]
    assert hiding == []


def test_every_fidelity_patch_is_in_the_table() -> None:
    table = (ROOT / "docs" / "fidelity.md").read_text()
    patches = ROOT / "local" / "streamify_local" / "emulator" / "patches"
    assert [path.stem for path in patches.glob("[a-z]*.py") if path.stem not in table] == []


def test_product_code_never_knows_about_the_local_cloud() -> None:
    product = ["roles", "collections", "api/src", "api/client/src", "protos", "playbooks"]
    allowed = {ROOT / "roles" / "local_cloud"}
    words = re.compile(r"ministack|streamify_local|\.local/")
    knows = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if any(path.is_relative_to(ROOT / part) for part in product)
        and not any(path.is_relative_to(part) for part in allowed)
        and "/tests/" not in str(path)
        and words.search(text_of(path))
    ]
    assert knows == []
