"""Put laid out users on paper: one cloud per kind, sentences as stars, a legend beside."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audience_trainers.relations.plots.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    drawable,
    new_figure,
    png_of,
)  # fmt: skip
from audience_trainers.users.pictures.flat import Points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 9.0, 5.6  # inches
_TITLE = 84  # characters of a line
# Behind those of Okabe and Ito some of Paul Tol's muted ones, as far apart as 13 colours can be; marks help too.
_COLOURS = (
    BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY,
    "#332288", "#882255", "#999933", "#44AA99", "#DDCC77", "#CC6677", "#8C564B",
)  # fmt: skip
_MARKS = ("o", "^", "s", "D", "v")
_LEGEND = {"the sentence": 200.0, "after prompt tuning": 90.0}  # sizes of the stars there
_MANY = 24  # entries of a legend that fit beside the picture


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Some users: their points (p, 2), what the legend says of them, and their look; small and pale ones go below."""

    points: Points
    label: str
    colour: str
    mark: str = "o"
    size: float = 16.0
    alpha: float = 0.8


def look_of(i: int) -> tuple[str, str]:
    """Return the colour and mark of the i-th of up to 65 kinds: no pair twice, no colour twice among the first 13."""
    return _COLOURS[i % len(_COLOURS)], _MARKS[(i + i // len(_COLOURS)) % len(_MARKS)]


def draw_clouds(
    clouds: Sequence[Cloud],
    title: str,
    note: str,
    *,
    before: Points | None = None,
    after: Points | None = None,
) -> bytes:
    """Return a PNG of clouds, drawn in their order, under a title (a sentence) and above a note.

    `before` and `after` (2,) are where the sentence lies, before and after prompt tuning.
    """
    figure, (axes,) = new_figure(WIDTH, HEIGHT)
    axes.set_axis_off()
    for cloud in clouds:
        axes.scatter(
            cloud.points[:, 0], cloud.points[:, 1], s=cloud.size, c=cloud.colour, marker=cloud.mark, alpha=cloud.alpha,
            linewidths=0.3, edgecolors="white", label=cloud.label,
        )  # fmt: skip
    if before is not None:
        _star(axes, before, "white", 420.0, "the sentence")
    if before is not None and after is not None:
        axes.annotate(
            "", xy=tuple(after), xytext=tuple(before), zorder=9,
            arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 1.2, "shrinkA": 9, "shrinkB": 9},
        )  # fmt: skip
        _star(axes, after, INK, 120.0, "after prompt tuning")  # seen on the other where it hardly moved
    text, families = drawable(title)
    axes.set_title(
        textwrap.fill(text, _TITLE, max_lines=2, placeholder=" …"), fontsize=12, color=INK, loc="left",
        family=families, parse_math=False,
    )  # fmt: skip
    fontsize = 10 if len(clouds) <= _MANY else max(4.0, 10 * _MANY / len(clouds))
    legend = axes.legend(
        frameon=False, fontsize=fontsize, labelcolor=INK, loc="center left", bbox_to_anchor=(1.0, 0.5)
    )  # fmt: skip
    for entry in legend.get_texts():
        entry.set_parse_math(False)
        entry.set_fontfamily(families)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
            handle.set_sizes([_LEGEND.get(str(handle.get_label()), 36.0)])  # type: ignore[attr-defined]
    figure.supxlabel(textwrap.fill(note, 110), fontsize=9, color=GREY, x=0.01, ha="left")
    return png_of(figure)


def _star(axes: Axes, point: Points, fill: str, size: float, label: str) -> None:
    axes.scatter(
        point[:1], point[1:], s=size, c=fill, marker="*", edgecolors=INK, linewidths=1.4, zorder=10, label=label
    )
