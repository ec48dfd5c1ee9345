"""What may run of Cypher that people wrote: decided by its plan alone."""

from __future__ import annotations

from typing import Any

import pytest
from asking_fakes import FakeRunner

from audience_graph.errors import ConfigError, QueryError
from audience_graph.graph.runner import Plan
from audience_graph.saved.guard import check_plan, run_guarded, written


@pytest.mark.parametrize(
    "operator",
    [
        "AllNodesScan", "NodeByLabelScan", "PartitionedNodeByLabelScan", "UnionNodeByLabelsScan", "NodeIndexSeek",
        "NodeUniqueIndexSeek", "NodeIndexSeekByRange", "NodeIndexContainsScan", "NodeByElementIdSeek",
        "MultiNodeIndexSeek", "DirectedRelationshipTypeScan", "UndirectedRelationshipIndexSeek",
        "DirectedUnionRelationshipTypesScan", "PartitionedUndirectedAllRelationshipsScan",
        "DirectedRelationshipUniqueIndexSeek", "UndirectedRelationshipByElementIdSeek", "DirectedAllRelationshipsScan",
        "RelationshipCountFromCountStore", "Expand(All)", "VarLengthExpand(Pruning)", "Repeat(Trail)",
    ],
)  # fmt: skip
def test_operators_that_read_pass(operator: str) -> None:
    check_plan(Plan("r", (("ProduceResults", ""), (operator, "x"))))


@pytest.mark.parametrize(
    "operator",
    [
        "Create", "Merge", "SetProperty", "Delete", "DetachDelete", "RemoveLabels", "Foreach", "SubqueryForeach",
        "TransactionForeach", "TransactionApply", "LoadCSV", "CreateIndex", "DropConstraint", "ShowUsers",
        "ShowSettings", "TerminateTransactions", "AdministrationCommand", "RunQueryAt", "ErrorPlan", "NewInNextVersion",
        "NodeUniqueIndexSeek(Locking)", "LockingMerge", "", "Scan", "MyScan",
    ],
)  # fmt: skip
def test_everything_else_is_refused(operator: str) -> None:
    with pytest.raises(QueryError, match=r"more than read|SHOW is not run here"):
        check_plan(Plan("r", (("ProduceResults", ""), (operator, ""))))


@pytest.mark.parametrize("kind", ["rw", "w", "s", None])
def test_only_queries_that_read_are_run(kind: str | None) -> None:
    with pytest.raises(QueryError, match="more than read"):
        check_plan(Plan(kind, (("ProduceResults", ""),)))
    with pytest.raises(QueryError, match="more than read"):
        check_plan(Plan("r", ()))


@pytest.mark.parametrize(
    ("details", "may"),
    [
        ("db.labels() :: (label :: STRING)", True),
        ("db.index.fulltext.queryNodes($autostring_0, $x) :: (node :: NODE, score :: FLOAT)", True),
        ("audience.expand(seeds, options)", True),
        ("audience.confirm(a, b)", False),
        ("gds.graph.drop($x)", False),
        ("dbms.listConfig()", False),
        ("db.labelsx()", False),
        ("db.createLabel($x)", False),
        ("", False),
        ("x db.labels()", False),
    ],
)
def test_procedures_on_the_list_alone_may_be_called(details: str, may: bool) -> None:
    plan = Plan("r", (("ProcedureCall", details),))
    if may:
        check_plan(plan)
        return
    with pytest.raises(QueryError, match="may not be called"):
        check_plan(plan)


@pytest.mark.parametrize("text", ["", "  \n", None, 7, "RETURN 1\0", "RETURN '\ud800'", "x" * 200_000])
def test_a_query_is_a_text(text: Any) -> None:
    with pytest.raises(ConfigError, match="a query"):
        written(text)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"a b": 1}, "no name of a parameter"),
        ({"a": {1}}, "a must be text"),
        ({"a": 2**63}, r"below 2\*\*63"),
        ({"a": [{"b": object()}]}, "a must be text"),
        ({"a": {1: 2}}, "a must be text"),
        ({"a": "\ud800"}, "cannot be stored"),
        ({"a": [{"\ud800": 1}]}, "cannot be stored"),
    ],
)
def test_parameters_are_checked_before_they_travel(parameters: dict[Any, Any], message: str) -> None:
    runner = FakeRunner()
    with pytest.raises(ConfigError, match=message):
        run_guarded(runner, written("RETURN $a"), parameters)
    assert runner.ran == []


@pytest.mark.parametrize("limits", [{"timeout": 0}, {"timeout": True}, {"timeout": 601}, {"timeout": float("nan")},
                                    {"max_rows": 0}, {"max_rows": 1.5}, {"max_rows": 10**7}])  # fmt: skip
def test_limits_are_limits(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        run_guarded(FakeRunner(), written("RETURN 1"), {}, **limits)
