"""Paper and ink: figures without global state, one palette, labels that every font can draw."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from audience_trainers.run import RunFolder

# Okabe and Ito: told apart by people with any kind of colour blindness, and in grey by their order of lightness.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8A8A8A",
)  # fmt: skip
INK, FAINT = "#222222", "#DDDDDD"
DPI = 120
_LABEL_CHARACTERS = 32
# Looked for in this order when a name holds characters that DejaVu Sans lacks.
_WIDE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
    "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Arial Unicode MS",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: file name without its ending, title, how to read it, and its bytes, or why it is missing."""

    name: str
    title: str
    caption: str
    png: bytes = b""
    missing: str = ""


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure of this size in inches and its axes in a row. It belongs to nobody: no state is kept."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    room = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, wspace=0.04)
    figure = Figure(figsize=(width, height), dpi=DPI, layout=room, facecolor="white")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(1, columns, i + 1) for i in range(columns)]
    for one in axes:
        style(one)
    return figure, axes


def style(axes: Axes) -> None:
    """Give axes their quiet look: no box, a faint grid behind the data, legible ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.grid(visible=True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=10, color=GREY, labelcolor=INK)


def name_axes(axes: Axes, x: str, y: str, title: str = "") -> None:
    """Name both axes, with their units."""
    axes.set_xlabel(x, fontsize=11, color=INK)
    axes.set_ylabel(y, fontsize=11, color=INK)
    if title:
        axes.set_title(title, fontsize=12, color=INK, loc="left")


def show_legend(axes: Axes, **where: Any) -> None:
    """Show the legend without a frame."""
    axes.legend(frameon=False, fontsize=10, labelcolor=INK, **where)


def png_of(figure: Figure) -> bytes:
    """Return the figure as PNG; equal figures give equal bytes."""
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=DPI, metadata={"Software": None})
    return target.getvalue()


def columns_of(run: RunFolder, name: str, columns: Sequence[str], *, dictionary: Sequence[str] = ()) -> pa.Table | None:
    """Return some columns of a run's table, None when the table or one of them is absent."""
    path = run.path / f"{name}.parquet"
    if not path.is_file() or not set(columns) <= set(pq.read_schema(path).names):
        return None
    return pq.read_table(path, columns=list(columns), read_dictionary=list(dictionary))


def label_maker() -> tuple[Callable[[str, str], str], list[str]]:
    """Return (name, id) -> a label that can be drawn, and the font families to draw it with.

    A name with characters that no installed font of ours has becomes its id; long ones end in an ellipsis.
    """
    families, known = _fonts()

    def label(name: str, entity_id: str) -> str:
        shown = " ".join(name.split())
        if not shown or any(ord(character) not in known for character in shown):
            shown = "".join(c if ord(c) in known else "?" for c in entity_id)
        return shown if len(shown) <= _LABEL_CHARACTERS else shown[: _LABEL_CHARACTERS - 1].rstrip() + "…"

    return label, families


def drawable(text: str) -> tuple[str, list[str]]:
    """Return a text with `?` for what no installed font of ours has, and the font families to draw it with."""
    families, known = _fonts()
    return "".join(c if ord(c) in known else "?" for c in " ".join(text.split())), families


@functools.cache
def _fonts() -> tuple[list[str], frozenset[int]]:
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    families = ["DejaVu Sans", *[name for name in _WIDE_FONTS if name in installed][:1]]
    known: set[int] = set()
    for family in families:
        file = font_manager.findfont(font_manager.FontProperties(family=family))
        known |= set(font_manager.get_font(str(Path(file))).get_charmap())
    return families, frozenset(known)
