"""Every query file is accepted by the real server, and returns the columns that its header promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audience_graph.graph.queries import list_queries, load_query
from audience_graph.graph.runner import Neo4jRunner

RELATION_TYPE = "RELATES_2026_W30_00000000"


@pytest.mark.parametrize("name", list_queries())
def test_explain_accepts_the_file_and_its_columns(name: str, runner: Neo4jRunner) -> None:
    query = load_query(name)
    columns = runner.explain(query)
    assert columns == list(query.returns)
    if "relation_type" in query.params:
        assert runner.explain(query.at_version(RELATION_TYPE)) == list(query.returns)
    broken = replace(query, text=query.text + "\nRETURN nonsense(")
    with pytest.raises(Exception, match=r"nonsense|syntax|Invalid input"):
        runner.explain(broken)
