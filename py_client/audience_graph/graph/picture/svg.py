"""`Picture`: an expansion as a drawing, in SVG: colour by entity type, size by relevance, width by score.

    ag.expand("spa").picture()                        in a notebook: the drawing
    ag.expand("spa").picture(most=25).save("spa.svg")

The page of `audience-graph console` draws the same picture.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from audience_graph.errors import ConfigError
from audience_graph.graph.expansion import Expanded
from audience_graph.graph.picture.layout import Place, radial
from audience_graph.graph.picture.names import Name, place_names
from audience_graph.graph.picture.palette import COLOURS, colours_of
from audience_graph.whole_file import check_folder, whole_file

MOST_DRAWN = 500
_NAME = 18  # characters of a name that are drawn
_MARGIN = 135.0
_A_TYPE = 110.0  # width of a type in the legend


@dataclass(frozen=True, slots=True)
class Node:
    """One entity of a picture. `above` led to it, by a relation of `score`; a seed has neither."""

    id: str
    name: str
    type: str
    hop: int
    relevance: float
    place: Place
    above: str | None = None
    score: float | None = None

    @property
    def radius(self) -> float:
        """Radius: a seed 13, others by relevance from 5 to 11."""
        return 13.0 if self.above is None else round(5 + 6 * self.relevance, 1)

    @property
    def width(self) -> float:
        """Width of the line that leads to it, by its score."""
        return round(0.6 + 4.4 * (self.score or 0.0) ** 2, 2)


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """The seeds of an expansion and its best entities, with where they lie. `left_out` were reached, but not drawn."""

    nodes: tuple[Node, ...]
    title: str
    colours: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0
    names: Mapping[str, Name] = field(default_factory=dict)

    @property
    def types(self) -> tuple[str, ...]:
        """The entity types that are drawn, sorted."""
        return tuple(sorted({node.type for node in self.nodes}))

    def colour(self, node: Node) -> str:
        """Return the colour of a node's type."""
        return self.colours.get(node.type, COLOURS[-1])

    def view_box(self) -> tuple[float, float, float, float]:
        """Return x, y, width and height of what is drawn, with room for names."""
        xs = [node.place.x for node in self.nodes] or [0.0]
        ys = [node.place.y for node in self.nodes] or [0.0]
        x, y = min(xs) - _MARGIN, min(ys) - 24
        return (round(x, 1), round(y, 1), round(max(xs) - x + _MARGIN, 1), round(max(ys) - y + 48, 1))

    def relations(self) -> Iterable[tuple[Node, Node]]:
        """Yield (from, to) of every relation that is drawn."""
        by_id = {node.id: node for node in self.nodes}
        return ((by_id[node.above], node) for node in self.nodes if node.above is not None)

    def svg(self) -> str:
        """Return the drawing as one SVG element with a title, a legend and a tooltip for each entity."""
        x, y, width, height = self.view_box()
        legend = _legend(self, x, y + height + 8, _a_line(width))
        height += 22.0 * math.ceil(len(self.types) / _a_line(width)) + 8
        lines = [_line(above, node) for above, node in self.relations()]
        nodes = [_node(self, node) for node in self.nodes]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x} {y} {width} {height}" role="img" '
            f'width="{min(width, 1000):.0f}" style="max-width:100%;height:auto;background:#fff" '
            f'font-family="system-ui,sans-serif" font-size="11"><title>{escape(_shown(self.title))}</title>'
            f"{''.join(lines)}{''.join(nodes)}{legend}</svg>"
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to an .svg file, whole or not at all. Raises ConfigError where that cannot be written."""
        target = Path(path)
        if target.suffix.lower() != ".svg":
            raise ConfigError(f"a picture is written as .svg, not {target.name!r}")
        check_folder(target)
        with whole_file(target) as file:
            file.write(f"{self.svg()}\n".encode())
        target.chmod(0o644)  # to be shared: it holds no user

    def _repr_html_(self) -> str:
        return self.svg()

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        more = f", {self.left_out:,} more were reached" if self.left_out else ""
        return f"Picture({len(self.nodes)} entities{more})"


def draw(
    seeds: Sequence[tuple[str, str, str]],
    entities: Sequence[Expanded],
    title: str,
    *,
    most: int = 40,
    types: Iterable[str] = (),
) -> Picture:
    """Return the picture of seeds (id, name, type) and the `most` nearest entities.

    Colours are shared out among `types`, those of a whole dictionary, else among the types that are drawn.
    Raises ConfigError where `most` is not between 1 and 500.
    """
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST_DRAWN:
        raise ConfigError(f"most must be a whole number from 1 to {MOST_DRAWN}, not {most!r}")
    drawn = _connected([s[0] for s in seeds], entities, most)
    places = radial([s[0] for s in seeds], drawn)
    relevance = {s[0]: 1.0 for s in seeds} | {e.id: e.relevance for e in entities}
    nodes = [Node(i, name, kind, 0, 1.0, places[i]) for i, name, kind in dict.fromkeys(seeds)]
    known = {node.id for node in nodes}
    for e in drawn:
        if e.id in places and e.id not in known:
            score = min(1.0, e.relevance / relevance.get(e.path[-2], 1.0)) if len(e.path) > 1 else None
            nodes.append(Node(e.id, e.name, e.type, e.hop, e.relevance, places[e.id], e.path[-2], score))
    colours = colours_of([*types, *(node.type for node in nodes)])
    told = place_names([n.place for n in nodes], [n.radius for n in nodes], [shortened(n.name) for n in nodes])
    names = {node.id: name for node, name in zip(nodes, told, strict=True)}
    return Picture(tuple(nodes), title, colours, max(0, len(entities) - len(drawn)), names)


def _connected(seeds: Sequence[str], entities: Sequence[Expanded], most: int) -> list[Expanded]:
    """Return the nearest entities, and those on their paths."""
    by_id = {e.id: e for e in entities}
    wanted: dict[str, Expanded] = {}
    for entity in entities[:most]:
        for step in entity.path:
            if step in by_id and step not in seeds:
                wanted[step] = by_id[step]
    return list(wanted.values())


def _line(above: Node, node: Node) -> str:
    return (
        f'<line x1="{above.place.x}" y1="{above.place.y}" x2="{node.place.x}" y2="{node.place.y}" '
        f'stroke="#94a3b8" stroke-width="{node.width}" stroke-opacity=".55"/>'
    )


def _node(picture: Picture, node: Node) -> str:
    radius = node.radius
    weight = ' font-weight="700"' if node.above is None else ""
    told = f"{node.name} ({node.type}), relevance {node.relevance:.2f}, hop {node.hop}"
    x, y, anchor = picture.names[node.id]
    return (
        f'<g><title>{escape(_shown(told))}</title><circle cx="{node.place.x}" cy="{node.place.y}" r="{radius}" '
        f'fill="{picture.colour(node)}"/><text x="{x}" y="{y}" text-anchor="{anchor}" fill="#1e293b" stroke="#fff" '
        f'stroke-width="3" paint-order="stroke"{weight}>{escape(shortened(node.name))}</text></g>'
    )


def _a_line(width: float) -> int:
    return max(1, int(width // _A_TYPE))


def _legend(picture: Picture, x: float, y: float, a_line: int) -> str:
    parts = []
    for n, kind in enumerate(picture.types):
        left, top = x + 14 + _A_TYPE * (n % a_line), y + 22 * (n // a_line)
        colour = picture.colours.get(kind, COLOURS[-1])
        parts.append(
            f'<circle cx="{left:.1f}" cy="{top:.1f}" r="5" fill="{colour}"/><text x="{left + 9:.1f}" '
            f'y="{top + 4:.1f}" fill="#1e293b">{escape(shortened(kind))}</text>'
        )
    return "".join(parts)


def shortened(name: str) -> str:
    """Return a name as it is drawn: one line, at most 18 characters."""
    shown = _shown(name)
    return shown if len(shown) <= _NAME else shown[: _NAME - 1].rstrip() + "…"


def _shown(text: str) -> str:
    """Return a text with what cannot be drawn, or stand in XML, left out."""
    return "".join(c if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF else " " for c in text)
