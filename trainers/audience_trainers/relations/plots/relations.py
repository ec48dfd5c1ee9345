"""Relations in numbers: scores and margins by provenance, and how many relations an entity has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from audience_trainers.relations.plots.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Picture,
    columns_of,
    name_axes,
    new_figure,
    png_of,
    show_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from audience_trainers.run import RunFolder

Values = npt.NDArray[np.float64]
_COLOURS = {"co-occurrence": BLUE, "semantic": ORANGE, "both": GREEN, "explored": PURPLE, "confirmed": SKY}
_BINS = 40
_WIDE = 100  # from this ratio of most to least on, a logarithmic axis
_MISSING = "the run has no relations (relations.parquet)"
_SCORES = (
    "All relations, stacked by what proposed them. Left: their score. Right: their margin, how far the logit lies "
    "above its source's threshold; many just above 0 means that a slightly higher threshold would remove many."
)
_DEGREES = (
    "How many entities have at least so many relations. AECC, the mean over all entities of the dictionary (EGL "
    "eq. 8), counts relations that start at an entity; a curve of incoming relations that falls later shows hubs."
)


def draw_scores(run: RunFolder) -> Picture:
    """Draw histograms of score and margin by provenance from `relations.parquet`."""
    title = "Scores and margins by provenance"
    table = columns_of(run, "relations", ("score", "margin", "provenance"), dictionary=("provenance",))
    if table is None or table.num_rows == 0:
        return Picture("scores", title, "", missing=_MISSING)
    coded = table["provenance"].unify_dictionaries().combine_chunks()
    if not hasattr(coded, "dictionary"):
        coded = coded.dictionary_encode()
    names, codes = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    order = sorted(range(len(names)), key=lambda i: -int((codes == i).sum()))
    figure, (left, right) = new_figure(10, 3.8, columns=2)
    score, margin = table["score"].to_numpy(), table["margin"].to_numpy()
    top = float(np.quantile(margin, 0.995))
    _stack(left, score, codes, names, order, (float(min(score.min(), 0.5)), 1.0))
    _stack(right, np.minimum(margin, top), codes, names, order, (0.0, max(top, 1e-6)))
    name_axes(left, "score (probability)", "relations", "Score")
    name_axes(right, "margin (logit), the last bar holds all above", "relations", "Margin over the source's threshold")
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=10, labelcolor=INK)
    return Picture("scores", title, _SCORES, png_of(figure))


def draw_degrees(run: RunFolder) -> Picture:
    """Draw the share of entities with at least x relations, going out and coming in."""
    title = "Relations per entity"
    entities = columns_of(run, "entities", ("entity_id",))
    table = columns_of(run, "relations", ("source_id", "target_id"), dictionary=("source_id", "target_id"))
    if entities is None or table is None or table.num_rows == 0:
        return Picture("degrees", title, "", missing=_MISSING)
    from matplotlib.ticker import LogLocator

    n = entities.num_rows
    figure, (axes,) = new_figure(8, 4.2)
    directions = (("source_id", "from the entity", BLUE, "-"), ("target_id", "to the entity", ORANGE, "--"))
    most, least = 1, table.num_rows
    for column, words, colour, line in directions:
        degree = np.sort(pc.value_counts(table[column]).field("counts").to_numpy())[::-1]
        most, least = max(most, int(degree[0])), min(least, int(degree[-1]))
        none = 1 - len(degree) / n
        steps = np.append(np.flatnonzero(np.diff(degree)), len(degree) - 1)
        at_least = np.append(degree[steps], 1), 100 * np.append(steps + 1, len(degree)) / n
        axes.plot(*at_least, color=colour, linestyle=line, linewidth=2, label=f"{words} ({none:.1%} have none)")
    mean = table.num_rows / n
    axes.axvline(mean, color=VERMILION, linewidth=1.5, linestyle=":", label=f"mean (AECC) {mean:,.1f}")
    wide = most > _WIDE * least
    if wide:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=30))
    axes.set_xlim(left=0.9 * min(least, mean) if wide else 0, right=1.1 * max(most, mean))
    axes.set_ylim(0, 102)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}" if x >= 1 or x == 0 else f"{x:g}")
    scale = "at least; logarithmic" if wide else "at least"
    name_axes(axes, f"relations of an entity ({scale})", "entities of the dictionary (%)")
    show_legend(axes, loc="best")
    axes.tick_params(which="minor", color=GREY)
    return Picture("degrees", title, _DEGREES, png_of(figure))


def _stack(
    axes: Axes,
    values: Values,
    codes: npt.NDArray[np.int64],
    names: list[str],
    order: list[int],
    ends: tuple[float, float],
) -> None:
    """Draw a stacked histogram, the largest part at the bottom."""
    edges = np.linspace(*ends, _BINS + 1)
    floor = np.zeros(_BINS)
    for code in order:
        own = codes == code
        counts, _ = np.histogram(values[own], bins=edges)
        colour = _COLOURS.get(names[code], GREY)
        axes.bar(edges[:-1], counts, np.diff(edges), bottom=floor, align="edge", color=colour, edgecolor="white",
                 linewidth=0.4, label=f"{names[code]} ({int(own.sum()):,})")  # fmt: skip
        floor += counts
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:,.0f}")
    axes.grid(visible=False, axis="x")
    axes.spines["bottom"].set_color(INK)
