# SPDX-License-Identifier: Apache-2.0
"""The image's Dockerfile, the context it is built from, and the page that goes into it."""

import importlib.machinery
import importlib.util
import json
import os
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "api/src/streamify_api/web"


@pytest.fixture(scope="module")
def build_context() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("build_context", str(ROOT / "api/build_context"))
    spec = importlib.util.spec_from_loader("build_context", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def modules(build_context: ModuleType, tmp_path: Path) -> Path:
    """A node_modules with players of a few bytes."""
    folder = tmp_path / "node_modules"
    for path in (*build_context.PLAYER_FILES.values(), *build_context.LICENCES.values()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"// {path}\n//# sourceMappingURL={Path(path).name}.map\n")
    return folder


def instructions() -> list[str]:
    """The Dockerfile's instructions, each on one line."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "api/Dockerfile").read_text())
    return [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def last_stage() -> list[str]:
    lines = instructions()
    return lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]


# --- the Dockerfile ---------------------------------------------------------------------------------------------------


def test_the_default_base_is_the_official_slim_image_by_digest() -> None:
    (base,) = [line for line in instructions() if line.startswith("ARG BASE_IMAGE=")]
    assert re.fullmatch(r"ARG BASE_IMAGE=python:3\.13-slim-\w+@sha256:[0-9a-f]{64}", base)


def test_every_stage_starts_from_the_base_that_was_asked_for() -> None:
    stages = [line for line in instructions() if line.startswith("FROM ")]
    assert len(stages) >= 2
    assert all(line.startswith("FROM ${BASE_IMAGE}") for line in stages)


def test_the_image_runs_as_nobody_in_particular() -> None:
    users = [line for line in last_stage() if line.startswith("USER ")]
    assert users == ["USER 10001:10001"]


def test_the_last_stage_installs_nothing_and_drops_pip() -> None:
    runs = " ".join(line for line in last_stage() if line.startswith("RUN "))
    assert "/site-packages/pip" in runs
    assert not re.search(r"apt-get|pip install|apk|curl|wget", runs)


def test_the_libraries_are_installed_by_hash_and_without_a_network() -> None:
    installs = [line for line in instructions() if "pip install" in line]
    assert installs
    assert all("--no-index" in line for line in installs)
    assert any("--require-hashes" in line for line in installs)


def test_nothing_needs_buildkit() -> None:
    text = (ROOT / "api/Dockerfile").read_text()
    assert not re.search(r"--mount=|^# *syntax=|COPY --(chmod|link)|<<EOF|^ADD ", text, re.MULTILINE)


def test_the_process_takes_signals_itself() -> None:
    assert 'ENTRYPOINT ["python", "-m", "streamify_api"]' in last_stage()
    assert "STOPSIGNAL SIGTERM" in last_stage()


# --- the context ------------------------------------------------------------------------------------------------------


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_the_digest_depends_on_content_only(build_context: ModuleType, tmp_path: Path) -> None:
    files = {"b/two": "2", "a": "1", "b/one": "1"}
    first = tree(tmp_path / "first/image", files)
    second = tree(tmp_path / "second/image", dict(reversed(files.items())))
    os.utime(second / "a", (1, 1))
    tree(second, {"b/__pycache__/x.pyc": "compiled"})
    assert build_context.digest_of([first]) == build_context.digest_of([second])


@pytest.mark.parametrize("change", [{"a": "other"}, {"c": "1"}, {"b/one ": "1"}])
def test_the_digest_changes_with_any_file(build_context: ModuleType, tmp_path: Path, change: dict[str, str]) -> None:
    first = tree(tmp_path / "first/image", {"a": "1", "b/one": "1"})
    second = tree(tmp_path / "second/image", {"a": "1", "b/one": "1"} | change)
    assert build_context.digest_of([first]) != build_context.digest_of([second])


def test_the_digest_changes_with_the_executable_bit(build_context: ModuleType, tmp_path: Path) -> None:
    folder = tree(tmp_path / "image", {"a": "1"})
    before = build_context.digest_of([folder])
    (folder / "a").chmod(0o755)
    assert build_context.digest_of([folder]) != before


def test_an_unknown_platform_is_refused(build_context: ModuleType) -> None:
    with pytest.raises(build_context.BuildError, match="windows/amd64"):
        build_context.prepare("windows/amd64")


def test_every_input_exists(build_context: ModuleType) -> None:
    missing = [str(path) for path in build_context.inputs() if not path.exists()]
    assert missing == []


def test_every_asset_that_the_page_asks_for_is_there_under_its_hash(
    build_context: ModuleType, modules: Path, tmp_path: Path
) -> None:
    web = tmp_path / "web"
    (web / "assets/vendor").mkdir(parents=True)
    build_context.lay_out_web(modules, web)
    asked = re.findall(r'"(/assets/[^"]+)"', (web / "watch.html").read_text())
    assert len(asked) >= 6
    for path in asked:
        assert re.search(r"\.[0-9a-f]{12}\.", path), path
        assert (web / path.lstrip("/")).is_file(), path
    assert "sourceMappingURL" not in "".join(p.read_text() for p in (web / "assets").rglob("*.js"))


def test_the_locked_libraries_are_pinned_by_hash() -> None:
    lock = (ROOT / "requirements/api.lock").read_text()
    pins = re.split(r"\n(?=\S)", lock.strip())
    assert len(pins) > 20
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


# --- the players ------------------------------------------------------------------------------------------------------


def test_the_players_are_pinned_and_the_lock_names_no_registry() -> None:
    package = json.loads((ROOT / "api/web/package.json").read_text())
    lock = json.loads((ROOT / "api/web/package-lock.json").read_text())
    for name, version in package["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert all("integrity" in entry for path, entry in lock["packages"].items() if path)
    assert all("resolved" not in entry for entry in lock["packages"].values())


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_needs_no_inline_script_or_style() -> None:
    page = (WEB / "watch.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=\"|\bstyle=\"|javascript:", page)


def test_the_page_tells_what_is_wrong_to_everybody() -> None:
    page = (WEB / "watch.html").read_text()
    assert re.search(r'id="status" role="status" aria-live="polite"', page)
    assert re.search(r'id="problem"[^>]* role="alert" hidden', page)
    assert re.search(r'<button id="retry" type="button">', page)
