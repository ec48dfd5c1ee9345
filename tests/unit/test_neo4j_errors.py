"""What a driver's error becomes at the seam to Neo4j."""

from __future__ import annotations

from pathlib import Path

import pytest
from neo4j.exceptions import AuthError, Neo4jError, ServiceUnavailable

from audience_graph.errors import ConfigError, QueryError, StoreUnavailable
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import _mapped
from audience_graph.saved.guard import written

FILE = Query("saved/near", "RETURN 1", (), (), Path("near.cypher"))


def refusal(message: str) -> Neo4jError:
    """Return the error that the driver makes of a server's refusal."""
    return Neo4jError._hydrate_neo4j(code="Neo.ClientError.Procedure.ProcedureCallFailed", message=message)


def told(query: Query, raised: Exception) -> str:
    def fail() -> None:
        raise raised

    with pytest.raises(QueryError) as error:
        _mapped(query, fail)
    return str(error.value)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Failed to invoke procedure `audience.expand`: Caused by: java.lang.IllegalArgumentException: "
            "options.hops must be 1 to 4, not 9",
            "options.hops must be 1 to 4, not 9 (audience.expand, in your query)",
        ),
        (
            "Failed to invoke procedure `db.index.fulltext.queryNodes`: Caused by: "
            "org.apache.lucene.queryparser.classic.ParseException: Cannot parse 'a':\\nline 2",
            "Cannot parse 'a':\\nline 2 (db.index.fulltext.queryNodes, in your query)",
        ),
        (
            "Failed to invoke function `a.b`: Caused by: x.Y$Z: no",
            "no (a.b, in your query)",
        ),
        ("Invalid input 'x'", "your query failed: Invalid input 'x'"),
        (
            "Failed to invoke procedure `a.b`: Caused by: java.lang.NullPointerException",
            "your query failed: Failed to invoke procedure `a.b`: Caused by: java.lang.NullPointerException",
        ),
    ],
)
def test_what_a_procedure_said_comes_first(message: str, expected: str) -> None:
    assert told(written("CALL x()"), refusal(message.replace("\\n", "\n"))) == expected.replace("\\n", "\n")


def test_a_file_is_named() -> None:
    said = "Failed to invoke procedure `audience.size`: Caused by: java.lang.IllegalArgumentException: no"
    assert told(FILE, refusal(said)) == "no (audience.size, in query saved/near (near.cypher))"
    assert told(FILE, refusal("no")) == "query saved/near (near.cypher) failed: no"


@pytest.mark.parametrize("raised", [ServiceUnavailable("refused"), AuthError("wrong")])
def test_silence_is_unavailable(raised: Exception) -> None:
    def fail() -> None:
        raise raised

    with pytest.raises(StoreUnavailable):
        _mapped(FILE, fail)


def test_a_text_that_cannot_be_sent_is_told_in_words() -> None:
    with pytest.raises(ConfigError, match="cannot be stored"):
        _mapped(FILE, "\ud800".encode)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("audience.expand", "ag.expand"), ("gds.fastRP.stream", "Graph Data Science"), ("apoc.x", "None")],
)
def test_a_procedure_that_is_not_there_is_told_what_does_without(name: str, hint: str) -> None:
    def fail() -> None:
        raise refusal(f"There is no procedure with the name `{name}` registered for this database instance.")

    with pytest.raises(QueryError, match="no procedure") as error:
        _mapped(FILE, fail)
    assert hint in str(error.value.hint)
