# SPDX-License-Identifier: Apache-2.0
"""The playbooks' scripts, loaded as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILES = Path(__file__).resolve().parents[3] / "playbooks" / "files"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FILES))
    spec = importlib.util.spec_from_file_location(name, FILES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def preflight(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("preflight", monkeypatch)


@pytest.fixture
def preflight_inputs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("preflight_inputs", monkeypatch)


@pytest.fixture
def preflight_aws(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("preflight_aws", monkeypatch)


@pytest.fixture
def preflight_certificates(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("preflight_certificates", monkeypatch)


@pytest.fixture
def preflight_quotas(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("preflight_quotas", monkeypatch)
