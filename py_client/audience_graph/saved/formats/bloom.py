"""A perspective of Neo4j Bloom (Explore): entities coloured by type, relations as wide as their score, search phrases.

A search phrase draws, so it returns paths: the queries of `cypher/bloom/`, whose title is the phrase that is typed.
Bloom has no published schema; the fields are those that its own export writes.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from audience_graph.graph.queries import list_queries, load_query
from audience_graph.saved.definition import SUGGESTIONS, Parameter, SavedQuery, defined
from audience_graph.saved.formats.texts import body_of, defaults_of, with_parameters

VERSION = "2.21.0"
FOLDER = "bloom/"
PALETTE = (
    "#FFE081", "#C990C0", "#F79767", "#57C7E3", "#F16667", "#D9C8AE", "#8DCC93", "#ECB5C9", "#4C8EDA", "#FFC454",
    "#DA7194", "#569480", "#848484", "#D9D9D9",
)  # fmt: skip
_STAMP = 1_700_000_000_000  # any fixed moment: the same graph gives the same perspective
_SUGGESTED = 10
_LABELS = {
    "Entity": (("id", "string"), ("name", "string"), ("type", "string"), ("reach", "bigint")),
    "Audience": (("id", "bigint"), ("name", "string")),
}
_DECISIONS = ("CONFIRMED", "REJECTED", "PICKED", "PERFORMED")


def bloom_phrases() -> tuple[SavedQuery, ...]:
    """Return the search phrases, by name."""
    names = [name for name in list_queries() if name.startswith(FOLDER)]
    return tuple(defined(name.removeprefix(FOLDER), load_query(name)) for name in names)


def bloom_perspective(
    relation_types: Sequence[str], entity_types: Sequence[str], *, name: str = "audience-graph"
) -> dict[str, Any]:
    """Return the perspective as JSON has it. `relation_types` of the versions that are drawn, the current one first."""
    drawn = [*relation_types, *_DECISIONS]
    return {
        "name": name,
        "version": VERSION,
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"audience-graph/bloom/{name}")),
        "createdAt": _STAMP,
        "lastEditedAt": _STAMP,
        "type": "STANDARD_PERSPECTIVE",
        "hideUncategorisedData": True,
        "parentPerspectiveId": None,
        "categories": [_category(1, "Entity", entity_types), _category(2, "Audience", ())],
        "labels": {label: [{"propertyKey": key, "type": label, "dataType": kind} for key, kind in properties]
                   for label, properties in _LABELS.items()},
        "relationshipTypes": [_relation(kind, PALETTE[n % len(PALETTE)]) for n, kind in enumerate(drawn)],
        "hiddenRelationshipTypes": ["HAS_VECTOR", "IS"],
        "templates": [_template(n, saved) for n, saved in enumerate(bloom_phrases())],
        "sceneActions": [],
        "palette": {"colors": list(PALETTE), "currentIndex": 2},
        "metadata": {
            "pathSegments": [],
            "indexes": [
                {"label": label, "type": "native", "propertyKeys": [{"key": key, "metadataProp": False}]}
                for label, key in (("Entity", "id"), ("Entity", "name"), ("Entity", "type"), ("Audience", "name"))
            ],
        },
    }  # fmt: skip


def _category(number: int, label: str, types: Sequence[str]) -> dict[str, Any]:
    """Return how nodes of a label look: with a rule that colours each type of entity."""
    return {
        "id": number,
        "name": label,
        "labels": [label],
        "properties": [{"name": key, "exclude": False, "dataType": kind} for key, kind in _LABELS[label]],
        "createdAt": _STAMP,
        "lastEditedAt": _STAMP,
        "color": PALETTE[(number - 1) * 3],
        "icon": "no-icon",
        "size": 1,
        "textSize": 1,
        "textAlign": "top",
        "captions": [_caption("name", "property")],
        "captionKeys": [],
        "styleRules": [_coloured(n, kind) for n, kind in enumerate(types)],
    }


def _coloured(number: int, kind: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"audience-graph/bloom/type/{kind}")),
        "basedOn": "Entity_type",
        "exclude": False,
        "type": "single",
        "condition": "equals",
        "conditionValue": kind,
        "color": PALETTE[number % len(PALETTE)],
        "applyColor": True,
        "applySize": False,
        "applyTextSize": False,
        "applyIcon": False,
    }


def _relation(kind: str, color: str) -> dict[str, Any]:
    scored = kind.startswith("RELATES_") or kind == "CONFIRMED"
    rule = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"audience-graph/bloom/width/{kind}")),
        "basedOn": f"{kind}_score",
        "exclude": False,
        "type": "range",
        "minPoint": 0,
        "maxPoint": 1,
        "minSize": 0.5,
        "maxSize": 3,
        "applyColor": False,
        "applySize": True,
        "applyTextSize": False,
    }
    return {
        "id": kind,
        "name": kind,
        "color": color,
        "properties": [{"propertyKey": "score", "dataType": "number"}] if scored else [],
        "size": 1,
        "textSize": 1,
        "textAlign": "top",
        "captions": [_caption(kind, "relationship")],
        "captionKeys": [],
        "styleRules": [rule] if scored else [],
    }


def _caption(key: str, kind: str) -> dict[str, Any]:
    return {"key": key, "type": kind, "isCaption": True, "inTooltip": True, "styles": [], "isGdsData": False}


def _template(number: int, saved: SavedQuery) -> dict[str, Any]:
    return {
        "name": saved.title.split(" $")[0],
        "id": f"tmpl:{_STAMP + number}",
        "createdAt": _STAMP + number,
        "text": saved.title,
        "cypher": with_parameters(body_of(saved.query.text), defaults_of(saved)),
        "isUpdateQuery": False,
        "hasCypherErrors": False,
        "params": [_parameter(p) for p in saved.parameters if p.default is None],
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    suggestions = load_query(SUGGESTIONS + (parameter.suggest or "entities"))
    text = with_parameters(body_of(suggestions.text), {"typed": "''", "limit": str(_SUGGESTED)})
    return {
        "name": f"${parameter.name}",
        "dataType": "String",
        "collapsed": False,
        "suggestionLabel": None,
        "suggestionProp": None,
        "suggestionBoolean": False,
        "cypher": f"CALL () {{\n{text}\n}}\nRETURN value",
    }
