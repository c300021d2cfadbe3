"""The workflow in docs/ that users copy: its commands exist, and it needs nothing but what it says."""

import re
import shlex
from pathlib import Path

import click
import pytest

from bench import cli

TEXT = (Path(__file__).parents[2] / "docs" / "github-actions.yml").read_text(encoding="utf-8")
RUN = re.search(r"^  RUN: (.+)$", TEXT, re.MULTILINE).group(1)
COMMANDS = [
    shlex.split(command.replace("$RUN", RUN).partition(" 2>&1")[0], comments=True)
    for command in re.findall(r"python -m bench (.+)$", TEXT.replace("\\\n", " "), re.MULTILINE)
]


def test_it_runs_saves_and_compares():
    assert [words[0] for words in COMMANDS] == ["run", "reference", "run", "compare"]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_its_commands_are_understood(words):
    command = cli.bench
    while isinstance(command, click.Group):
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, list(words))  # raises what the command line would


def test_actions_are_pinned_by_major_version_and_secrets_are_not_asked_for():
    used = re.findall(r"uses: (\S+)", TEXT)
    assert len(used) == 3
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", one) for one in used)
    assert "secrets." not in TEXT
