# SPDX-License-Identifier: Apache-2.0
"""The runbook has a section for every alarm, with commands that exist and links that lead somewhere."""

import re
from pathlib import Path

import pytest
import yaml
from support.commands import Command, call, commands

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbook.md"
TEXT = RUNBOOK.read_text()
ALARMS = yaml.safe_load((ROOT / "roles" / "alarms" / "vars" / "main.yml").read_text())["__alarms_names"]
COMMANDS = commands(RUNBOOK)


def sections() -> dict[str, str]:
    """The text of each alarm's section, by its heading."""
    body = TEXT.split("\n## The alarms\n", 1)[1].split("\n## ", 1)[0]
    parts = re.split(r"^### ", body, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    assert list(sections()) == ALARMS


@pytest.mark.parametrize("alarm", ALARMS)
def test_a_section_says_what_it_means_how_to_see_it_and_what_to_do(alarm: str) -> None:
    text = sections().get(alarm, "")
    assert [each for each in ("**Means.** ", "**See.** ", "**Do.** ") if each not in text] == []


def test_links_within_the_documents_lead_to_a_heading() -> None:
    lost = []
    for document in (RUNBOOK, ROOT / "docs" / "availability.md", ROOT / "docs" / "operations.md"):
        for file, anchor in re.findall(r"\]\(([\w./-]*\.md)?(?:#([\w-]+))?\)", document.read_text()):
            target = document.parent / file if file else document
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if target.is_file() else []
            anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
            if not target.is_file() or (anchor and anchor not in anchors):
                lost.append(f"{document.name}: {file}#{anchor}")
    assert lost == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.line[:70])
def test_a_command_exists(command: Command) -> None:
    program, *words = command.line.split()
    if program == "aws":
        call(command.line)
        return
    assert (program, *words[:2]) == ("ansible-playbook", "-i", "inventory/production")
    assert (ROOT / words[2]).is_file()
