"""The command reference that people read is the one that the commands print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from audience_graph.cli import audience_graph
from audience_graph.cli.reference import commands, reference, root

CLI_MD = Path(__file__).parents[2] / "py_client" / "CLI.md"


def test_the_reference_is_current() -> None:
    # In a process of its own, as `make reference` runs it: click keeps the help option of a command that a test before
    # this one called without `audience-graph` in front of it.
    module = [sys.executable, "-m", "audience_graph.cli.reference"]
    printed = subprocess.run(module, capture_output=True, check=True, text=True).stdout
    assert CLI_MD.read_text(encoding="utf-8") == printed, "run `make reference`"


def test_the_reference_says_what_people_see() -> None:
    printed = CliRunner().invoke(audience_graph, ["evaluate", "users", "--help"], terminal_width=100).stdout
    assert printed.strip() in reference()


def test_every_command_and_option_has_a_help_text() -> None:
    bare = []
    for context, command in commands(audience_graph, root()):
        path = context.command_path
        assert "Not installed" not in (command.help or ""), path
        if not (command.help or "").strip():
            bare.append(path)
        bare += [
            f"{path} {parameter.name}"
            for parameter in command.params
            if getattr(parameter, "help", "") in (None, "") and parameter.param_type_name == "option"
        ]
    assert bare == []
