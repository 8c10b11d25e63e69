# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation says is what the module does."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
COMMON = {"state", "tags", "purge_tags"}


def load(name: str) -> Any:
    return import_module(f"ansible_collections.streamify.aws.plugins.modules.{name}")


def argument_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what a module hands to AnsibleAWSModule."""
    found: dict[str, Any] = {}
    module = load(name)

    def run(*args: Any, **_: Any) -> None:
        found.update(next(item for item in args if isinstance(item, dict)))

    if not hasattr(module, "run"):
        pytest.skip("the module has a main of its own")
    monkeypatch.setattr(module, "run", run)
    module.main()
    return found


def compare(options: dict[str, Any], spec: dict[str, Any], where: str) -> None:
    assert set(options) == set(spec) - (COMMON if where == "" else set()), where
    for name, option in options.items():
        argument = spec[name]
        place = f"{where}.{name}"
        assert option.get("type", "str") == argument.get("type", "str"), place
        assert option.get("default") == argument.get("default"), place
        assert option.get("required", False) == argument.get("required", False), place
        assert option.get("choices") == argument.get("choices"), place
        assert option.get("elements") == argument.get("elements"), place
        assert option.get("aliases") == argument.get("aliases"), place
        assert option.get("description"), place
        compare(option.get("suboptions") or {}, argument.get("options") or {}, place)


@pytest.mark.parametrize("name", MODULES)
def test_options_are_the_arguments(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    documentation = yaml.safe_load(load(name).DOCUMENTATION)
    assert documentation["module"] == name
    assert documentation["author"] == ["The Streamify authors (@streamify)"], "sanity wants such a name"
    options = {key: value for key, value in documentation["options"].items() if key not in COMMON}
    compare(options, argument_spec(name, monkeypatch), "")


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_options_that_exist(name: str) -> None:
    options = set(yaml.safe_load(load(name).DOCUMENTATION)["options"]) | COMMON
    examples = yaml.safe_load(load(name).EXAMPLES)
    used = [task[f"streamify.aws.{name}"] for task in examples if f"streamify.aws.{name}" in task]
    assert used
    for task in used:
        assert set(task) <= options | {"name", "region"}


@pytest.mark.parametrize("name", MODULES)
def test_the_result_is_documented(name: str) -> None:
    returned = yaml.safe_load(load(name).RETURN)
    module = load(name)
    kinds = [item for item in vars(module).values() if hasattr(item, "result") and hasattr(item, "kind")]
    for kind in kinds:
        assert kind.result in returned


def test_every_module_is_in_the_action_group() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    assert runtime["action_groups"]["aws"] == MODULES


def test_no_file_is_longer_than_400_lines() -> None:
    long = [path.name for path in ROOT.rglob("*.py") if len(path.read_text().splitlines()) > 400]
    assert long == []
