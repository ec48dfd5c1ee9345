"""Pictures of expansions: everything has a place of its own, names stay apart, and what is drawn is valid XML."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from audience_graph.errors import ConfigError
from audience_graph.graph.answers import Expansion, Seed
from audience_graph.graph.expansion import Expanded, ExpandOptions
from audience_graph.graph.picture.layout import radial
from audience_graph.graph.picture.palette import COLOURS, colours_of
from audience_graph.graph.picture.svg import draw

SVG = "{http://www.w3.org/2000/svg}"


def world(first: int = 12, second: int = 3) -> list[Expanded]:
    """A seed `s` with `first` entities one hop away, each with `second` beyond it, nearest first."""
    near = [Expanded(f"a{i}", f"Near {i}", "brand", 1, 0.9 - i / 100, ("s", f"a{i}")) for i in range(first)]
    far = [
        Expanded(f"b{i}_{j}", f"Far {i} {j}", "product", 2, 0.5 - i / 100 - j / 1000, ("s", f"a{i}", f"b{i}_{j}"))
        for i in range(first)
        for j in range(second)
    ]
    return [*near, *far]


def expansion(entities: list[Expanded], name: str = "spa") -> Expansion:
    return Expansion((Seed(name, "s", name, "service"),), tuple(entities), ExpandOptions(), 1, "v", "2026-W30")


def contrast(one: str, other: str) -> float:
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_are_readable_on_light_and_dark_and_belong_to_types() -> None:
    for colour in COLOURS:
        assert contrast(colour, "#ffffff") >= 4.5, colour
        assert contrast(colour, "#0f172a") >= 3, colour
    assert colours_of(["b", "a", "b"]) == {"a": COLOURS[0], "b": COLOURS[1]}
    assert len(set(colours_of(str(i) for i in range(12)).values())) == 12


def test_rings_lie_around_the_seed_and_use_the_whole_circle() -> None:
    places = radial(["s"], world())
    assert places["s"][:2] == (0, 0)
    assert len(places) == 1 + 12 + 36
    assert min(math.dist(a[:2], b[:2]) for a, b in combinations(places.values(), 2)) > 20
    far = [p for i, p in places.items() if i.startswith("b")]
    assert min(p.x for p in far) < -200
    assert max(p.x for p in far) > 200
    assert min(p.y for p in far) < -150
    assert max(p.y for p in far) > 150


def test_raising_the_threshold_moves_nothing_that_is_asked_of_the_same_picture() -> None:
    assert radial(["s"], world()) == radial(["s"], list(reversed(world())))


def test_several_seeds_and_entities_that_hang_on_nothing() -> None:
    stray = Expanded("x", "Stray", "brand", 2, 0.3, ("s", "gone", "x"))
    places = radial(["s", "t"], [*world(3, 1), stray])
    assert "x" not in places
    assert places["s"][:2] != places["t"][:2]


def test_the_nearest_are_drawn_with_what_lies_on_their_paths() -> None:
    far = Expanded("z", "Far", "brand", 2, 0.95, ("s", "a11", "z"))
    picture = draw([("s", "spa", "service")], [far, *world()], "t", most=2)
    assert {n.id for n in picture.nodes} == {"s", "z", "a11", "a0"}
    assert picture.left_out == 49 - 3
    assert {n.id: n.above for n in picture.nodes} == {"s": None, "z": "a11", "a11": "s", "a0": "s"}


def test_names_cover_neither_entities_nor_each_other() -> None:
    picture = expansion(world(14, 2)).picture()
    boxes = []
    for node in picture.nodes:
        name, wide = picture.names[node.id], 6.2 * len(node.name)
        left = name.x - {"start": 0, "middle": wide / 2, "end": wide}[name.anchor]
        boxes.append((left, name.y - 10, left + wide, name.y + 3))
    shared = [
        max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
        for a, b in combinations(boxes, 2)
    ]
    assert sum(shared) < 200  # square units; a name has about 450


def test_what_is_drawn_is_xml_with_a_circle_an_entity_and_a_line_a_relation() -> None:
    name = 'a<b> & "c" \x00\x1b[31m \ud800 😀 ' + "long " * 9
    odd = Expanded("o", name, "type & <more>", 1, 0.8, ("s", "o"))
    root = ElementTree.fromstring(expansion([odd, *world(2, 1)], name).picture().svg())
    groups = root.findall(f"{SVG}g")
    assert len(groups) == 6
    assert len(root.findall(f"{SVG}line")) == 5
    told = [g.findtext(f"{SVG}title") for g in groups]
    assert any("😀" in t for t in told if t)
    widths = {line.get("stroke-width") for line in root.findall(f"{SVG}line")}
    assert len(widths) > 2


def test_a_picture_shows_itself_and_is_saved_as_svg(tmp_path: Path) -> None:
    picture = expansion(world()).picture(most=5)
    assert picture._repr_html_() == picture.svg()
    assert repr(picture) == "Picture(6 entities, 43 more were reached)"
    picture.save(tmp_path / "spa.svg")
    assert (tmp_path / "spa.svg").read_text(encoding="utf-8").startswith("<svg ")
    with pytest.raises(ConfigError, match=r"\.svg"):
        picture.save(tmp_path / "spa.png")
    with pytest.raises(ConfigError, match="no folder"):
        picture.save(tmp_path / "no" / "spa.svg")
    for most in (0, 501, True, "5"):
        with pytest.raises(ConfigError, match="most must be"):
            expansion(world()).picture(most=most)  # type: ignore[arg-type]


def test_an_expansion_that_reached_nothing_is_drawn_as_its_seed() -> None:
    assert len(expansion([]).picture().nodes) == 1
