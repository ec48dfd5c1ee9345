"""Weekly accuracy with and without the ensemble (EGL Fig. 5b)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from audience_trainers.relations.plots.canvas import (
    BLUE,
    ORANGE,
    Picture,
    columns_of,
    name_axes,
    new_figure,
    png_of,
    show_legend,
)

if TYPE_CHECKING:
    from audience_trainers.run import RunFolder

COLUMNS = ("week", "accuracy_single", "accuracy_ensemble")
_CAPTION = (
    "ACC of each week's relations, decided by that week's model alone and by the ensemble over the last weeks. Behind "
    "each name: mean, and variance in squared percentage points. A gap is a week that was not measured."
)


def draw_weeks(run: RunFolder) -> Picture:
    """Draw `weekly_accuracy.parquet` (week, accuracy_single, accuracy_ensemble; shares of 0 to 1, null = unknown)."""
    title = "Weekly accuracy with and without ensemble"
    table = columns_of(run, "weekly_accuracy", COLUMNS)
    if table is None or table.num_rows == 0:
        return Picture("weeks", title, "", missing="accuracies of weeks are not in the run (weekly_accuracy.parquet)")
    return Picture("weeks", title, _CAPTION, weekly_accuracy_png(table))


def weekly_accuracy_png(table: pa.Table) -> bytes:
    """Return the picture of a table with the columns week, accuracy_single and accuracy_ensemble."""
    rows = sorted(table.to_pylist(), key=lambda row: str(row["week"]))
    figure, (axes,) = new_figure(8, 4)
    parts = (("accuracy_single", "single model", ORANGE, "--", "s"), ("accuracy_ensemble", "ensemble", BLUE, "-", "o"))
    for column, words, colour, line, mark in parts:
        share = np.array([np.nan if row[column] is None else 100.0 * row[column] for row in rows])
        known = share[~np.isnan(share)]
        if len(known) == 0:
            continue
        spread = f", variance {known.var(ddof=1):.2f}" if len(known) > 1 else ""
        axes.plot(range(len(rows)), share, color=colour, linestyle=line, marker=mark, markersize=7, linewidth=2,
                  label=f"{words}: mean {known.mean():.2f} %{spread}")  # fmt: skip
    low, high = axes.get_ylim()
    room = max(0.5, 0.15 * (high - low))
    axes.set_ylim(low - room, min(high + room, 100.3) if high <= 100.3 else high)
    every = max(1, len(rows) // 12)
    axes.set_xticks(range(0, len(rows), every), [str(row["week"]) for row in rows][::every], rotation=30, ha="right")
    name_axes(axes, "week", "ACC (% of relations)")
    if axes.get_legend_handles_labels()[0]:
        show_legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return png_of(figure)
