"""The query loader: header, parameters, literal relation types."""

from __future__ import annotations

from pathlib import Path

import pytest

from audience_graph.errors import ConfigError, NotFoundError, QueryError
from audience_graph.graph.queries import list_queries, load_query, parse_query

GOOD = """// Purpose: neighbours of an entity.
// params: id (an entity's id), relation_type (type of the
//   version)
// returns: id, score
MATCH (e:Entity {id: $id})-[r:$($relation_type)]->(v) WHERE v.name <> '$not_a_parameter' // $nor_this
RETURN v.id AS id, r.score AS score
"""


def test_a_query_declares_what_it_uses() -> None:
    query = parse_query("x/near", GOOD, Path("near.cypher"))
    assert query.params == ("id", "relation_type")
    assert query.returns == ("id", "score")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("// params: id (an entity's id), ", "// params: ", "declares parameters"),
        ("$id}", "$other}", "declares parameters"),
        ("// Purpose: neighbours of an entity.\n", "", "purpose"),
        ("// returns: id, score\n", "", "returns"),
    ],
)
def test_a_header_that_disagrees_names_the_file(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        parse_query("x/near", GOOD.replace(old, new), Path("near.cypher"))
    assert "near.cypher" in str(error.value)


def test_at_version_puts_in_the_literal_type_and_drops_the_parameter() -> None:
    query = parse_query("x/near", GOOD, Path("near.cypher")).at_version("RELATES_2026_W30_1a2b3c4d")
    assert "-[r:RELATES_2026_W30_1a2b3c4d]->" in query.text
    assert query.params == ("id",)


@pytest.mark.parametrize("name", ["RELATES", "RELATES_2026_W30_1a2b3c4d]->() DETACH DELETE e //", "CONFIRMED", ""])
def test_at_version_takes_only_names_that_staging_builds(name: str) -> None:
    with pytest.raises(QueryError):
        parse_query("x/near", GOOD, Path("near.cypher")).at_version(name)


@pytest.mark.parametrize("name", ["no/such", "../pyproject", "/etc/passwd", "entities/expand_2.cypher", ""])
def test_only_existing_names_load(name: str) -> None:
    with pytest.raises(NotFoundError):
        load_query(name)


def test_every_query_file_parses() -> None:
    names = list_queries()
    assert [load_query(name).name for name in names] == list(names)
