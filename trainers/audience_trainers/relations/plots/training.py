"""Training curves: losses and validation AUC by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audience_trainers.relations.plots.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
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

# Name in curves.parquet -> words, colour, line.
_LOSSES = {
    "total": ("total", INK, "-"),
    "l_pred": ("prediction (eq. 2)", BLUE, "-"),
    "l_th": ("threshold (eq. 3)", ORANGE, "--"),
    "l_cl": ("contrast (eq. 4)", GREEN, ":"),
}
_REST = (PURPLE, VERMILION, GREY)
_CAPTION = (
    "Left: the loss of an epoch, whole and by its parts (EGL eq. 5). Right: AUC on held-out validation pairs; the "
    "mark is the epoch whose weights were kept."
)


def draw_training(run: RunFolder) -> Picture:
    """Draw `curves.parquet` (epoch, name, value): losses on the left, what has `auc` in its name on the right."""
    empty = Picture("training", "Training", _CAPTION)
    table = columns_of(run, "curves", ("epoch", "name", "value"))
    if table is None or table.num_rows == 0:
        return Picture(empty.name, empty.title, "", missing="this run trained no model (no curves.parquet)")
    curves: dict[str, tuple[list[int], list[float]]] = {}
    for row in sorted(table.to_pylist(), key=lambda row: row["epoch"]):
        epochs, values = curves.setdefault(row["name"], ([], []))
        epochs.append(row["epoch"])
        values.append(row["value"])
    from matplotlib.ticker import MaxNLocator

    figure, (left, right) = new_figure(10, 3.8, columns=2)
    losses = [name for name in curves if "auc" not in name]
    rest = iter(_REST * len(losses))
    for name in sorted(losses, key=lambda name: (list(_LOSSES).index(name) if name in _LOSSES else len(_LOSSES), name)):
        words, colour, line = _LOSSES.get(name) or (name, next(rest), "-.")
        left.plot(*curves[name], color=colour, linestyle=line, linewidth=2, label=words)
    name_axes(left, "epoch", "mean loss (nats)", "Loss")
    if losses:
        show_legend(left, loc="best")
    measures = [name for name in curves if "auc" in name]
    for name, colour in zip(measures, (BLUE, *_REST), strict=False):
        _measure(right, name, *curves[name], colour=colour)
    name_axes(right, "epoch", "AUC (share of pairs ranked right)", "Validation")
    if measures:
        show_legend(right, loc="best")
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return Picture(empty.name, empty.title, _CAPTION, png_of(figure))


def _measure(axes: Axes, name: str, epochs: list[int], values: list[float], *, colour: str) -> None:
    best = int(np.nanargmax(values))
    axes.plot(epochs, values, color=colour, linewidth=2, label=name.replace("_", " "))
    words = f"best: {values[best]:.4f}, epoch {epochs[best]}"
    (mark,) = axes.plot([epochs[best]], [values[best]], "o", color=colour, markersize=9, label=words)
    mark.set_markerfacecolor("white")
    mark.set_markeredgewidth(2)
