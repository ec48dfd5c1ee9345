"""Every place of the Python client where somebody can type a text, as one call each.

`READING` only reads. `WRITING` writes: `parts` are the parts of `tests/fingerprint.py` that may differ afterwards, and
`stored` reads back the values that were written. Each names `harmless` values that take the same ways
through the code: the queries that a hostile value sends must be among those that these send.

They are asked of the world of `tests/integration/typed_world.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audience_graph.audience.ask import SentenceOptions
from audience_graph.audience.audience import column, event, users
from audience_graph.audience.pick import PickRule
from audience_graph.audience.send.destination import find_destination
from audience_graph.client import AudienceGraph
from audience_graph.saved.definition import SavedQuery, saved_queries

Ask = Callable[[AudienceGraph, str], object]
PHRASES = ("skin care", "e1", "spa", "qqq zzz", "football", "1", "?", "like e8")
NAMES = ("spring", "qqq", "")
ANY = ("qqq zzz", "x", "")
GUESS = SentenceOptions(guess=True)
OWN = "MATCH (e:Entity) WHERE e.name = $x OR $x IN e.aliases OR e.id STARTS WITH $x RETURN e.id AS id, $x AS x"
KEPT = """// title: Ours
// question: Which?
// Purpose: entities of a type.
// params: kind (text, default "brand")
// returns: id
MATCH (e:Entity {type: $kind}) RETURN e.id AS id
"""


@dataclass(frozen=True, slots=True)
class TextInput:
    """One place to type. `cost` is how many payloads share one try in the quick test; `typed` may answer with an error
    of the database, because it is a query itself."""

    name: str
    ask: Ask
    harmless: tuple[str, ...] = PHRASES
    cost: int = 12
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """One place to type something that is kept. `graph` says that `stored` is Cypher; else it is SQL. `one` says that
    the place holds the last value alone, else all of them; `inside` that the value stands in the query's own text, as a
    comment."""

    name: str
    ask: Ask
    parts: tuple[str, ...]
    stored: str
    graph: bool = False
    one: bool = False
    inside: bool = False
    expected: Callable[[str], str] = str
    harmless: tuple[str, ...] = ANY
    cost: int = 12


def _query_inputs(saved: SavedQuery) -> list[TextInput]:
    """Return an input for each parameter that takes text: its own, or a number that is typed."""
    others: dict[str, Any] = {"entity": "e1", "text": "spring", "texts": ["e1"], "integer": 1, "number": 0.5}
    found = []
    for one in saved.parameters:
        rest = {p.name: others[p.kind] for p in saved.parameters if p is not one and p.default is None}

        def ask(ag: AudienceGraph, t: str, name: str = one.name, rest: dict[str, Any] = rest) -> object:
            return ag.query(saved.name, **rest, **{name: t})

        harmless = PHRASES if one.kind in ("entity", "text", "texts") else ("5", "0.5", "x")
        found.append(TextInput(f"query {saved.name} {one.name}", ask, harmless, cost=25))
    return found


ASKED = [
    TextInput("resolve", lambda ag, t: ag.resolve(t), cost=1),
    TextInput("resolve, several", lambda ag, t: ag.resolve([t, "skin care"])),
    TextInput("resolve types", lambda ag, t: ag.resolve("skin care", types=[t])),
    TextInput("expand", lambda ag, t: ag.expand(t), cost=2),
    TextInput("expand types", lambda ag, t: ag.expand("e1", types=[t]), cost=3),
    TextInput("expand week", lambda ag, t: ag.expand("e1", week=t), ("2026-W29", "2020-W01", "x"), cost=2),
    TextInput("reason", lambda ag, t: ag.expand("e1", sensitive_because=t)),
    TextInput("client with a reason", lambda ag, t: ag.because(t).expand("e1")),
    TextInput("plan", lambda ag, t: ag.plan(t), cost=20),
    TextInput("plan, rewriter", lambda ag, t: ag.plan("spa", sentence=SentenceOptions(rewriter=t))),
    TextInput("target phrase", lambda ag, t: ag.target(t, 5, method="graph"), cost=5),
    TextInput("target sentence", lambda ag, t: ag.target(t, 5, method="sentence"), cost=60),
    TextInput("target both", lambda ag, t: ag.target(t, 5, method="both", sentence=GUESS), cost=100),
    TextInput("target method", lambda ag, t: ag.target("e1", 5, method=t), cost=5),
    TextInput("target space", lambda ag, t: ag.target("spa", 5, method="sentence", sentence=SentenceOptions(space=t))),
    TextInput("target exclude", lambda ag, t: ag.target("e1", 5, method="graph", exclude_users=[t])),
    TextInput("target pick", lambda ag, t: ag.target("e1", 5, method="graph", rule=PickRule(ids=(t,)))),
    TextInput("explain user", lambda ag, t: ag.explain(t, "e1", method="graph"), ("u1", "qqq", "quiet"), cost=4),
    TextInput("explain phrase", lambda ag, t: ag.explain("u1", t, method="graph")),
    TextInput(
        "explain audience, user", lambda ag, t: ag.explain(t, ag.audience("e1", size=200)), ("u1", "qqq"), cost=25
    ),
    TextInput("compare spaces", lambda ag, t: ag.compare_spaces(t, t, "spa")),
    TextInput("compare sentences", lambda ag, t: ag.compare_spaces("text_2026_w30_00c0ffee", "x", t), cost=25),
]
AUDIENCES = [
    TextInput("column name", lambda ag, t: ag.audiences.of(column(t).known()).size(), ("age", "city", "qqq"), cost=4),
    TextInput("column value", lambda ag, t: ag.audiences.of(column("city") == t).size(), ("Lyon", "qqq"), cost=4),
    TextInput("column less", lambda ag, t: ag.audiences.of(column("city") < t).size(), ("Lyon", "A"), cost=6),
    TextInput("column one of", lambda ag, t: ag.audiences.of(column("city").one_of(t, "Lyon")).size(), ("Nice", "qqq")),
    TextInput("event", lambda ag, t: ag.audiences.of(event(t)).size()),
    TextInput("event channel", lambda ag, t: ag.audiences.of(event("e1", channels=[t])).size(), ("search", "qqq")),
    TextInput("users", lambda ag, t: ag.audiences.of(users([t, "u1"])).size(), ("u2", "qqq"), cost=5),
    TextInput("audience phrase", lambda ag, t: ag.audience(t, size=200, method="graph").size(), cost=25),
    TextInput(
        "lookalike", lambda ag, t: ag.lookalike([t, "u1"], size=200, method="graph").size(), ("u2", "qqq"), cost=25
    ),
    TextInput(
        "composition",
        lambda ag, t: ag.audience("e1", size=200, method="graph").composition([t]),
        ("age", "qqq"),
        cost=40,
    ),
    TextInput(
        "purpose of explain",
        lambda ag, t: ag.explain("u1", ag.audience("e1", size=200), purpose=t),
        ("marketing", "x"),
        cost=40,
    ),
    TextInput("audience get", lambda ag, t: ag.audiences.get(t), NAMES, cost=2),
    TextInput("audience sized by name", lambda ag, t: (ag.audiences.everyone() & ag.audiences.get(t)).size(), NAMES),
    TextInput("audience definition", lambda ag, t: ag.audiences.definition(t), NAMES),
    TextInput("audience describe", lambda ag, t: ag.audiences.describe(t), NAMES),
    TextInput("audience revisions", lambda ag, t: ag.audiences.revisions(t), NAMES),
    TextInput("audience snapshots", lambda ag, t: ag.audiences.snapshots(t), NAMES),
    TextInput("audience diff", lambda ag, t: ag.audiences.diff(t, 1), NAMES),
    TextInput("audience take", lambda ag, t: ag.audiences.take(t), ("qqq", "")),
    TextInput("audience approve", lambda ag, t: ag.audiences.approve(t), ("qqq", "")),
    TextInput("audience archive", lambda ag, t: ag.audiences.archive(t), ("qqq", "")),
    TextInput("audience overlap", lambda ag, t: ag.audiences.overlap([t, "spring"]), NAMES),
    TextInput("snapshot of", lambda ag, t: ag.audiences.snapshot(1, t), NAMES),
    TextInput("audit log about", lambda ag, t: ag.audiences.log(about=t), NAMES, cost=5),
    TextInput("definition's part", lambda ag, t: ag.audiences.from_json({"format": 1, "kind": t}), NAMES),
    TextInput("definition's field", lambda ag, t: ag.audiences.from_json({"format": 1, "kind": "everyone", t: t}), ANY),
    TextInput(
        "definition, stored",
        lambda ag, t: ag.audiences.from_json({"format": 1, "kind": "audience", "name": t}).size(),
        NAMES,
    ),
    TextInput(
        "definition, column",
        lambda ag, t: ag.audiences.from_json({"format": 1, "kind": "column", "name": t, "operator": t}),
        ANY,
    ),
]
SENDING = [
    TextInput("export of", lambda ag, t: ag.exports.send(t, "a.csv"), ("qqq", ""), cost=5),
    TextInput("export destination", lambda _ag, t: find_destination(t), ANY, cost=1),
    TextInput("export destination's name", lambda _ag, t: find_destination("a.csv", None, t), ANY, cost=1),
    TextInput("export format", lambda ag, t: ag.exports.send("spring", "a", format=t), ANY),
    TextInput("export purpose", lambda ag, t: ag.exports.send("spring", "a.csv", purpose=t), ("qqq", ""), cost=5),
    TextInput("export mode", lambda ag, t: ag.exports.send("spring", "a.csv", mode=t), ANY),
    TextInput("export column", lambda ag, t: ag.exports.send("spring", "a.csv", columns=[t]), ANY),
    TextInput(
        "export hashed column",
        lambda ag, t: ag.exports.send("spring", "a.csv", hashed={t: "google-email"}),
        ("qqq", ""),
    ),
    TextInput("export normal form", lambda ag, t: ag.exports.send("spring", "a.csv", hashed={"email": t}), ANY),
    TextInput("exports", lambda ag, t: ag.exports.list(t), NAMES),
    TextInput("holdout", lambda ag, t: ag.exports.holdout(t), NAMES),
    TextInput("hold out of", lambda ag, t: ag.exports.hold_out(t, 0.1), ("qqq", "")),
    TextInput("hold out, arm", lambda ag, t: ag.exports.hold_out("qqq", arms={t: 0.5}), ANY),
    TextInput("snapshot of an export", lambda ag, t: ag.exports.check_snapshot(t, 1), NAMES),
    TextInput("suppress, file", lambda ag, t: ag.exports.suppress(Path("none") / ("x" + t), "asked"), ANY),
    TextInput("results file", lambda ag, t: ag.results.load(f"none/x{t}", 1), ANY),
    TextInput("results report", lambda ag, t: ag.results.report(t), NAMES),
    TextInput("results entities", lambda ag, t: ag.results.entities(t), NAMES),
    TextInput("results suggest", lambda ag, t: ag.results.suggest(t), NAMES),
    TextInput("results follow", lambda ag, t: ag.results.follow(t), ("qqq", "")),
    TextInput("results learn", lambda ag, t: ag.results.learn(t, dry_run=True), NAMES),
    TextInput("confirm from", lambda ag, t: ag.decisions.confirm(t, "e1"), ("qqq", "e1", "football")),
    TextInput("reject to", lambda ag, t: ag.decisions.reject("e1", t), ("qqq", "e1", "football")),
    TextInput("withdraw", lambda ag, t: ag.decisions.withdraw("e1", t), ("qqq", "e1", "football")),
    TextInput("confirm picks", lambda ag, t: ag.decisions.confirm_picks(t), ("qqq", "")),
    TextInput("decided by", lambda ag, t: ag.decisions.confirm("e1", "e1", by_source=t), ANY),
]
QUERIES = [
    TextInput("query name", lambda ag, t: ag.query(t), ("weeks", "qqq", "Qqq"), cost=2),
    TextInput("query parameter's name", lambda ag, t: ag.query("weeks", **{t: 1}), ANY),
    TextInput("query get", lambda ag, t: ag.queries.get(t), ("weeks", "qqq", "Qqq"), cost=5),
    TextInput("query text", lambda ag, t: ag.queries.save("ours", t), ("x", "MATCH (n) RETURN n"), cost=5, typed=True),
    TextInput(
        "query's Cypher",
        lambda ag, t: (ag.queries.save("ours", KEPT + t), ag.queries.remove("ours")),
        (),
        cost=4,
        typed=True,
    ),
    TextInput("query remove", lambda ag, t: ag.queries.remove(t), ("qqq", "")),
    TextInput("query of", lambda ag, t: ag.queries.save_as("ours", t, {}, title="Ours"), ("qqq", "Qqq")),
    TextInput("query default's name", lambda ag, t: ag.queries.save_as("ours", "weeks", {t: 1}, title="x"), ANY),
    TextInput("query format", lambda ag, t: ag.queries.export(t, "a.json"), ("x", "")),
    TextInput("query file", lambda ag, t: ag.queries.export("neodash", f"none/x{t}"), ANY, cost=25),
    TextInput("own Cypher", lambda ag, t: ag.cypher(t), (), cost=1, typed=True),
    TextInput("own parameter", lambda ag, t: ag.cypher(OWN, {"x": t}), ANY, cost=3),
    TextInput("own parameter, inside", lambda ag, t: ag.cypher("RETURN $x AS x", {"x": [t, {"a": t}]}), ANY, cost=4),
    TextInput("own parameter's key", lambda ag, t: ag.cypher("RETURN $x AS x", {"x": {t: 1}}), ANY, cost=4),
    TextInput("own parameter's name", lambda ag, t: ag.cypher("RETURN 1 AS x", {t: 1}), ANY, cost=4),
]
READING: tuple[TextInput, ...] = (
    *ASKED,
    *AUDIENCES,
    *SENDING,
    *QUERIES,
    *(one for saved in saved_queries() for one in _query_inputs(saved)),
)

_DEFINED = ("postgres audience", "postgres audience_revision")
_KEPT = ("neo4j nodes SavedQuery",)
WRITING: tuple[Written, ...] = (
    Written(
        "audience name",
        lambda ag, t: ag.audiences.everyone().save(t),
        _DEFINED,
        "SELECT name AS value FROM audience WHERE name <> 'spring' ORDER BY id",
        cost=2,
    ),
    Written(
        "audience note",
        lambda ag, t: ag.audiences.everyone().save("noted", note=t),
        _DEFINED,
        "SELECT r.note AS value FROM audience_revision r JOIN audience a ON a.id = r.audience_id"
        " WHERE a.name = 'noted' ORDER BY r.number",
    ),
    Written(
        "saved column value",
        lambda ag, t: ag.audiences.of(column("city") == t).save("valued"),
        _DEFINED,
        "SELECT r.definition->>'value' AS value FROM audience_revision r JOIN audience a ON a.id = r.audience_id"
        " WHERE a.name = 'valued' ORDER BY r.number",
    ),
    Written(
        "suppressed id",
        lambda ag, t: ag.exports.suppress([t], "asked"),
        ("postgres user_key", "postgres suppression"),
        "SELECT user_id AS value FROM suppression JOIN user_key USING (key) ORDER BY key",
        cost=2,
    ),
    Written(
        "suppression's reason",
        lambda ag, t: ag.exports.suppress([f"{len(t)} {hash(t)}"], t),
        ("postgres user_key", "postgres suppression"),
        "SELECT reason AS value FROM suppression JOIN user_key USING (key) WHERE reason <> 'asked' ORDER BY key",
        expected=str.strip,
    ),
    Written(
        "decision's note",
        lambda ag, t: (ag.decisions.withdraw("e2", "e3"), ag.decisions.confirm("e2", "e3", note=t)),
        ("neo4j relationships CONFIRMED",),
        "MATCH ({id: 'e2'})-[r:CONFIRMED]->({id: 'e3'}) RETURN r.note AS value",
        graph=True,
        one=True,
    ),
    Written(
        "query title",
        lambda ag, t: ag.queries.save_as("titled", "weeks", {}, title=t),
        _KEPT,
        "MATCH (q:SavedQuery {name: 'titled'}) RETURN q.title AS value",
        graph=True,
        one=True,
        inside=True,
        expected=str.strip,
    ),
    Written(
        "query question",
        lambda ag, t: ag.queries.save_as("asked", "weeks", {}, title="Asked", question=t),
        _KEPT,
        "MATCH (q:SavedQuery {name: 'asked'}) RETURN q.question AS value",
        graph=True,
        one=True,
        inside=True,
        expected=lambda t: t.strip() or "Which weeks are kept, and how large are they?",  # without one: that of `weeks`
    ),
    Written(
        "query name, kept",
        lambda ag, t: ag.queries.save(t, KEPT),
        _KEPT,
        "MATCH (q:SavedQuery) WHERE q.own AND NOT q.name IN ['titled', 'asked'] RETURN q.name AS value ORDER BY value",
        graph=True,
    ),
)
