"""The page that finds users: services, their graph, what is chosen, who that is, why."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from audience_graph.audience.define.definition import WIDTHS
from audience_graph.console.asked import Asked
from audience_graph.console.suggested import suggested
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.answers import Expansion
from audience_graph.graph.picture.svg import draw

pages = Blueprint("find", __name__)
_PEOPLE = 10
_EXPLAINED = 3


@pages.get("/")
def find() -> str:
    """Show the page; its parts are asked for by the script, once it is there."""
    ag = g.desk.ag
    release = next((r for r in ag.releases().releases if r.status == "current"), None)
    return render_template(
        "find.html",
        release=release,
        audiences=ag.audiences.list().columns["name"],
        widths=WIDTHS,
    )


@pages.post("/part/filters")
def filters() -> str:
    """Give the columns, values and channels that a filter may name."""
    rows = list(g.desk.ag.audiences.filters().rows())
    return render_template(
        "parts/filters.html",
        columns={row["name"]: row["values"] for row in rows if row["kind"] == "column"},
        channels=[row["name"] for row in rows if row["kind"] == "channel"],
    )


@pages.get("/part/suggest")
def suggest() -> ResponseReturnValue:
    """Return names that begin with what is typed, for the list under the field."""
    typed = request.args.get("typed", "").strip()
    return jsonify(suggested(g.desk.ag, "similar_services", "phrase", typed, 8) if typed else [])


@pages.post("/part/graph")
def graph() -> str:
    """Draw the graph around the services, and list what is near, ticked or not."""
    asked = _asked()
    if not asked.phrases:
        return render_template("parts/graph.html", asked=asked, picture=None, started=_started())
    found = _expanded(asked)
    near = [e for e in found.entities if e.relevance >= asked.near]
    near_or_ticked = [e for e in found.entities if e.relevance >= asked.near or e.id in asked.add]
    picture = draw(
        [(s.id, s.name, s.type) for s in found.seeds], found.entities, "", most=asked.most, types=g.desk.types()
    )
    picked = asked.picked(found)
    shown = {n.id for n in picture.nodes if n.above is None or n.relevance >= asked.near or n.id in asked.add}
    listed = {p.id for p in picked} | shown
    names = {s.id: s.name for s in found.seeds} | {e.id: e.name for e in found.entities}
    reach = _reach([s.id for s in found.seeds] + [e.id for e in near_or_ticked if e.id in listed])
    return render_template(
        "parts/graph.html",
        asked=asked,
        found=found,
        near=len(near),
        picture=picture,
        shown=shown,
        picked={p.id for p in picked},
        ticked=bool(picked) and asked.changed(found),
        entities=[e for e in near_or_ticked if e.id in listed],
        names=names,
        reach=reach,
    )


@pages.post("/part/entity")
def entity() -> str:
    """Show one entity of the graph: what it is, how it was reached, and what can be said of it."""
    asked, wanted = _asked(), _chosen("entity")
    found = _expanded(asked)
    names = {s.id: s.name for s in found.seeds} | {e.id: e.name for e in found.entities}
    paths = {s.id: (s.id,) for s in found.seeds} | {e.id: e.path for e in found.entities}
    if wanted not in paths:
        raise NotFoundError("this entity is not near the services any more", hint="lower the threshold")
    cards = list(_because(asked).query("entity_card", phrase=wanted).rows())
    relevance = next((e.relevance for e in found.entities if e.id == wanted), 1.0)
    return render_template(
        "parts/entity.html",
        card=cards[0] if cards else {"id": wanted, "name": names[wanted]},
        path=paths[wanted],
        names=names,
        relevance=relevance,
        picked=wanted in {p.id for p in asked.picked(found)},
    )


@pages.post("/part/relation")
def relation() -> str:
    """Confirm or reject the relation of two entities, for every week to come."""
    verb, source, target = _chosen("verb"), _chosen("source"), _chosen("target")
    decisions = g.desk.ag.decisions
    verbs = {"confirm": decisions.confirm, "reject": decisions.reject}
    if verb == "withdraw":
        decisions.withdraw(source, target)
    elif verb in verbs:
        verbs[verb](source, target, note="in the console")
    else:
        raise ConfigError(f"a relation is confirmed, rejected or withdrawn, not {verb!r}")
    told = {"confirm": "confirmed", "reject": "rejected", "withdraw": "as before"}[verb]
    pair = None if verb == "withdraw" else (source, target)
    return render_template("parts/said.html", message=f"The relation is {told}, from now on.", undo=pair)


@pages.post("/part/plan")
def plan() -> str:
    """Show what a sentence asks for, before anything runs."""
    asked = _asked()
    if not asked.sentence:
        return render_template("parts/plan.html", plan=None)
    return render_template("parts/plan.html", plan=_because(asked).plan(asked.sentence))


@pages.post("/part/size")
def size() -> str:
    """Count the users, step by step."""
    asked = _asked()
    if not (asked.sentence if asked.by == "sentence" else asked.phrases):
        return render_template("parts/size.html", reach=None)
    reach = asked.audience(_because(asked)).size(entities=False)
    return render_template("parts/size.html", reach=reach)


@pages.post("/part/people")
def people() -> str:
    """Show the first users, and why the first of them are in."""
    asked = _asked()
    ag = _because(asked)
    audience = asked.audience(ag)
    preview = audience.preview(_PEOPLE)
    explained = {user: ag.explain(user, audience) for user in preview.user_ids[:_EXPLAINED]}
    return render_template("parts/people.html", preview=preview, explained=explained)


@pages.post("/part/why")
def why() -> str:
    """Show why one user is in or is not."""
    asked = _asked()
    ag = _because(asked)
    found = ag.explain(_chosen("user"), asked.audience(ag))
    return render_template("parts/why.html", why=found)


@pages.post("/part/save")
def save() -> str:
    """Save what the page asks for under a name, and freeze who is in."""
    asked, form = _asked(), _form()
    name, note = (str(form.get(key) or "").strip() for key in ("name", "note"))
    if not name:
        raise ConfigError("give the audience a name")
    taken = asked.audience(_because(asked)).take(name, note=note)
    return render_template("parts/saved.html", taken=taken)


def _asked() -> Asked:
    return Asked.read(_form())


def _form() -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise ConfigError("this is no form of the console")
    return given


def _chosen(name: str) -> str:
    value = _form().get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{name} is missing")
    return value


def _because(asked: Asked) -> Any:
    """Return the client, with the reason that lets sensitive entities in where one was given."""
    return g.desk.because(asked.because)


def _expanded(asked: Asked) -> Expansion:
    found: Expansion = _because(asked).expand(asked.phrases, options=asked.options)
    return found


def _reach(ids: list[str]) -> dict[str, int | None]:
    rows = g.desk.ag.query("reach_of_these", phrases=ids, limit=1000).rows() if ids else ()
    return {row["id"]: row["reach"] for row in rows}


def _started() -> list[str]:
    """Return services to begin with: those that most users met."""
    return suggested(g.desk.ag, "similar_services", "phrase", "", 6)
