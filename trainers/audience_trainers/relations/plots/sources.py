"""Scores of some sources' candidates with their thresholds (EGL Fig. 5a): distributions differ by source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audience_trainers.relations.calibrate import sigmoid
from audience_trainers.relations.plots.canvas import (
    BLUE,
    FAINT,
    GREY,
    INK,
    VERMILION,
    Picture,
    columns_of,
    label_maker,
    name_axes,
    new_figure,
    png_of,
    show_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from audience_trainers.run import RunFolder

Values = npt.NDArray[np.float64]
SOURCES = 10
_LEAST, _DOTS = 8, 150  # candidates that a source needs, and dots that are drawn of one
_CAPTION = (
    "Each row is one source entity, the most mentioned at the top; each dot one of its candidates (at most 150 drawn), "
    "in grey the shape of their distribution. Candidates to the right of the source's own threshold (the upright "
    "bar) became its relations, and a confirmed one is kept wherever its score lies. One threshold for all would keep "
    "nearly everything of some sources and nothing of others."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One source: its name and id, how often it is mentioned, its candidates' scores and its threshold as a score."""

    name: str
    entity_id: str
    mentions: int
    scores: Values
    threshold: float


def draw_sources(run: RunFolder, *, sources: int = SOURCES) -> Picture:
    """Draw the scores of sources of different popularity from `candidates.parquet`."""
    title = "Scores and thresholds by source"
    rows = read_rows(run, sources)
    if isinstance(rows, str):
        return Picture("sources", title, "", missing=rows)
    figure, (axes,) = new_figure(10, 1.3 + 0.56 * len(rows))
    rng = np.random.default_rng(0)
    for place, row in enumerate(rows):
        _draw_row(axes, len(rows) - 1 - place, row, rng)
    label, families = label_maker()
    names = [f"{label(r.name, r.entity_id)}\n{_many(r.mentions, 'mention')}, {_many(len(r.scores), 'candidate')}"
             for r in rows]  # fmt: skip
    axes.set_yticks(range(len(rows)), names[::-1], fontfamily=families, fontsize=9, parse_math=False)
    axes.set_xlim(0, max(0.05, min(1.0, 1.08 * max(max(r.scores.max(), r.threshold) for r in rows))))
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(visible=False, axis="y")
    name_axes(axes, "score of a candidate (chance that the relation holds)", "source entity")
    show_legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, markerscale=2)
    return Picture("sources", title, _CAPTION + _undrawn(rows, label), png_of(figure))


def _undrawn(rows: list[Row], label: Callable[[str, str], str]) -> str:
    """Return the names that were replaced by ids because no font here can draw them; the page's reader may have one."""
    told = [f"{r.entity_id} is {r.name}" for r in rows if r.name.strip() and label(r.name, "\0") == "?"]
    return f" Shown by id for want of a font: {', '.join(told)}." if told else ""


def _draw_row(axes: Axes, y: int, row: Row, rng: np.random.Generator) -> None:
    shown = rng.permutation(row.scores)[:_DOTS]
    kept = shown > row.threshold
    grid, density = _density(row.scores)
    axes.fill_between(grid, y - 0.36 * density, y + 0.36 * density, color=FAINT, linewidth=0)
    heights = y + rng.uniform(-0.2, 0.2, len(shown))
    parts = ((~kept, GREY, "candidate left out"), (kept, BLUE, "relation"))
    for part, colour, words in parts:
        axes.plot(shown[part], heights[part], "o", color=colour, markersize=3.4, alpha=0.75, markeredgewidth=0,
                  label=words if y == 0 else None)  # fmt: skip
    axes.plot([row.threshold] * 2, [y - 0.4, y + 0.4], color=VERMILION, linewidth=3, solid_capstyle="butt",
              label="threshold of the source" if y == 0 else None)  # fmt: skip
    axes.axhline(y - 0.5, color=INK, linewidth=0.3, alpha=0.3)


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _density(scores: Values) -> tuple[Values, Values]:
    """Return a grid and a Gaussian kernel density over it, highest 1; half of Silverman's width: two humps."""
    grid = np.linspace(0, 1, 301)
    width = max(0.45 * float(scores.std()) * len(scores) ** -0.2, 0.005)
    counts, _ = np.histogram(scores, bins=300, range=(0, 1))
    middle = (grid[1:] + grid[:-1]) / 2
    bumps = np.exp(-0.5 * ((grid[:, None] - middle[None, :]) / width) ** 2) @ counts.astype(np.float64)
    return grid, bumps / bumps.max()


def read_rows(run: RunFolder, sources: int) -> list[Row] | str:
    """Return the rows to draw, or why there are none."""
    table = columns_of(run, "candidates", ("source", "logit"))
    entities = columns_of(run, "entities", ("entity_id", "name"))
    thresholds = columns_of(run, "thresholds", ("threshold",))
    if table is None or entities is None or thresholds is None:
        return "scores of candidates or thresholds are not in the run (candidates.parquet, thresholds.parquet)"
    n = entities.num_rows
    source = table["source"].to_numpy()
    mentions = _mentions(run, entities["entity_id"])
    count = np.bincount(source, minlength=n)
    able = np.flatnonzero(count >= min(_LEAST, count.max(initial=0)))
    if count.max(initial=0) == 0:
        return "no candidate was scored"
    order = able[np.lexsort((able, -mentions[able], -count[able]))]
    order = order[np.argsort(-mentions[order], kind="stable")]
    chosen = np.unique(np.linspace(0, len(order) - 1, min(sources, len(order))).round().astype(int))
    rows = []
    for entity in order[chosen].tolist():
        logits = table["logit"].filter(pc.equal(table["source"], pa.scalar(entity, table["source"].type))).to_numpy()
        name, entity_id = (entities[column][entity].as_py() for column in ("name", "entity_id"))
        eps = float(sigmoid(np.array([thresholds["threshold"][entity].as_py()]))[0])
        rows.append(Row(name, entity_id, int(mentions[entity]), sigmoid(logits.astype(np.float64)), eps))
    return rows


def _mentions(run: RunFolder, ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    table = columns_of(run, "sequences", ("entity_id",), dictionary=("entity_id",))
    if table is None:
        return np.zeros(len(ids), np.int64)
    counts = pc.value_counts(table["entity_id"])
    place = pc.index_in(counts.field("values").cast(pa.string()), value_set=ids.combine_chunks().cast(pa.string()))
    known = pc.is_valid(place).to_numpy(zero_copy_only=False)
    mentions = np.zeros(len(ids), np.int64)
    mentions[place.filter(pa.array(known)).to_numpy()] = counts.field("counts").to_numpy()[known]
    return mentions
