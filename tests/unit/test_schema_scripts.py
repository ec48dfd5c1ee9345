"""Schema scripts on disk: order, checksums, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from audience_graph.errors import MigrationError
from audience_graph.resources import resource
from audience_graph.schema.scripts import Script, pending, read_scripts


def scripts(folder: Path, *names: str) -> tuple[Script, ...]:
    for name in names:
        (folder / name).write_text(f"// {name}\nRETURN 1;\n")
    return read_scripts("neo4j", folder)


def test_scripts_of_this_installation_are_numbered_without_gaps() -> None:
    assert read_scripts("neo4j", resource("migrations", "neo4j"))[0].number == 1
    assert [s.number for s in read_scripts("postgres", resource("migrations", "postgres", "versions"))][:2] == [1, 2]


@pytest.mark.parametrize("names", [("V0002__b.cypher",), ("V0001__a.cypher", "V0001__b.cypher"), ("first.cypher",)])
def test_a_gap_a_repeat_and_a_strange_name_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(MigrationError, match=names[-1].split(".")[0]):
        scripts(tmp_path, *names)


def test_the_checksum_ignores_windows_line_ends(tmp_path: Path) -> None:
    (tmp_path / "V0001__a.cypher").write_bytes(b"RETURN 1;\n")
    unix = read_scripts("neo4j", tmp_path)[0].checksum
    (tmp_path / "V0001__a.cypher").write_bytes(b"RETURN 1;\r\n")
    assert read_scripts("neo4j", tmp_path)[0].checksum == unix


def test_statements_end_at_a_semicolon_at_the_end_of_a_line(tmp_path: Path) -> None:
    (tmp_path / "V0001__a.cypher").write_text("// why; because\nRETURN ';' AS a;\n\n// next\nRETURN 2\n;\n")
    assert read_scripts("neo4j", tmp_path)[0].statements == ("RETURN ';' AS a", "RETURN 2")


def test_only_scripts_that_never_ran_are_pending(tmp_path: Path) -> None:
    first, second = scripts(tmp_path, "V0001__a.cypher", "V0002__b.cypher")
    assert pending((first, second), {}) == (first, second)
    assert pending((first, second), {first.name: first.checksum}) == (second,)


def test_an_edited_a_missing_and_a_skipped_script_are_refused(tmp_path: Path) -> None:
    first, second = scripts(tmp_path, "V0001__a.cypher", "V0002__b.cypher")
    with pytest.raises(MigrationError, match=r"V0001__a.*edited"):
        pending((first, second), {first.name: "0" * 64})
    with pytest.raises(MigrationError, match=r"V0002__b.*missing"):
        pending((first,), {first.name: first.checksum, second.name: second.checksum})
    with pytest.raises(MigrationError, match=r"V0001__a.*never ran"):
        pending((first, second), {second.name: second.checksum})
