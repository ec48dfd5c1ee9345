"""A style sheet of Neo4j Browser (GRASS): entities coloured by type, relations as wide as their score.

Browser reads no comments and styles whole labels and relationship types: a type of entity has a label of its own
(`entities/type_labels.py`), a drawn relation the type of its band of scores (`graph/picture/score_bands.py`). Rules are
applied from the first to the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audience_graph.entities.type_labels import labels_of
from audience_graph.graph.picture.palette import colours_of
from audience_graph.graph.picture.score_bands import CONFIRMED, MINED, WIDTHS

_GREY, _GREEN, _RED, _VIOLET, _ORANGE = "#647185", "#2f855a", "#c53030", "#7c4ddb", "#b7590a"
_PALE = "#93a1b5"
# As high as the widest arrow: a caption within an arrow would have the page's colour of text, whatever the style says.
_SCORE = f"{max(WIDTHS.values()):g}px"
_NODES = {
    "node": {"diameter": "50px", "color": _GREY, "border-color": _GREY, "border-width": "2px",
             "text-color-internal": "#ffffff", "font-size": "10px"},
    "node.Entity": {"diameter": "80px", "color": _GREY, "border-color": _GREY, "font-size": "14px",
                    "caption": "'{name}'"},
    "node.Audience": {"diameter": "95px", "color": "#1f2937", "border-color": "#93a1b5", "font-size": "14px",
                      "caption": "'{name}'"},
    "node.RelationVersion": {"color": "#4a5568", "border-color": "#4a5568", "caption": "'{week}'"},
    "node.Current": {"color": "#1f2937", "border-color": "#93a1b5", "caption": "'current'"},
    "node.SavedQuery": {"color": "#4a5568", "border-color": "#4a5568", "caption": "'{title}'"},
}  # fmt: skip
_RELATIONS = {
    "relationship": {"color": _PALE, "shaft-width": "1px", "font-size": _SCORE, "padding": "3px",
                     "text-color-external": _GREY, "text-color-internal": "#ffffff", "caption": "'{score}'"},
    "relationship.IS": {"caption": "'is'"},
    "relationship.HAS_VECTOR": {"caption": "'has vector'"},
    "relationship.CONFIRMED": {"color": _GREEN, "shaft-width": "3px"},
    "relationship.REJECTED": {"color": _RED, "shaft-width": "1px", "caption": "'rejected'"},
    "relationship.PICKED": {"color": _VIOLET, "shaft-width": "2px", "caption": "'picked'"},
    "relationship.PERFORMED": {"color": _ORANGE, "shaft-width": "3px", "caption": "'lift {lift}'"},
}  # fmt: skip


def style_sheet(entity_types: Sequence[str], relation_type: str | None) -> str:
    """Return the style sheet. `entity_types` the most frequent first; `relation_type` of the current version."""
    colours = colours_of(entity_types)
    rules: dict[str, Mapping[str, str]] = dict(_NODES)
    for kind, label in labels_of(entity_types).items():
        rules.setdefault(f"node.{label}", {"color": colours[kind], "border-color": _PALE})
    rules |= _RELATIONS
    if relation_type is not None:
        rules[f"relationship.{relation_type}"] = {"color": _GREY, "shaft-width": "2px"}
    for family, colour in ((MINED, _GREY), (CONFIRMED, _GREEN)):
        for band, width in WIDTHS.items():
            rules[f"relationship.{family}_{band}"] = {
                "color": colour, "shaft-width": f"{width:g}px", "caption": "'{shown}'"
            }  # fmt: skip
    return "".join(_rule(selector, properties) for selector, properties in rules.items())


def _rule(selector: str, properties: Mapping[str, str]) -> str:
    lines = "".join(f"  {name}: {value};\n" for name, value in properties.items())
    return f"{selector} {{\n{lines}}}\n\n"
