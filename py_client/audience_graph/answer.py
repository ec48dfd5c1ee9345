"""What every answer has in common: the release that it comes from, rows, a DataFrame, a readable repr.

An answer is a frozen dataclass with the fields `release`, `version` and `week`. It gives its rows as columns
(`_columns`) and one line of words (`_title`); this class makes the rest of them. Nothing here reads a store.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10
_SHOWN_HTML = 20
_WIDEST = 60


class Answer:
    """Base of the results: tabular, printable, and sure of the release that it was read from."""

    __slots__ = ()
    _MOST: ClassVar[int] = _SHOWN  # rows that are printed
    release: int | None
    version: str | None
    week: str | None

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        raise NotImplementedError

    def _shown(self) -> Mapping[str, Sequence[Any]]:
        """The columns as people read them; the same as the rows' unless an answer says otherwise."""
        return self._columns()

    def _title(self) -> str:
        raise NotImplementedError

    @property
    def source(self) -> str:
        """The release, version and week in words."""
        if self.version is None:
            return "no release yet"
        release = "" if self.release is None else f"release {self.release}, "
        return f"{release}version {self.version}, week {self.week}"

    def __len__(self) -> int:
        return len(next(iter(self._columns().values()), ()))

    def __bool__(self) -> bool:
        return True

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows as dicts, in order."""
        columns = self._columns()
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))

    def to_df(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame; `df.attrs` holds release, version and week."""
        import pandas as pd

        frame = pd.DataFrame({name: list(values) for name, values in self._columns().items()})
        frame.attrs.update(release=self.release, version=self.version, week=self.week)
        return frame

    def __repr__(self) -> str:
        head = f"{self._title()}\n{self.source}".rstrip()
        return "\n".join([head, *_text_table(self._shown(), len(self), self._MOST)])

    def _repr_html_(self) -> str:
        columns = self._shown()
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell_text(v))}</td>" for v in values) + "</tr>"
            for values in islice(zip(*columns.values(), strict=True), _SHOWN_HTML)
        )
        more = len(self) - _SHOWN_HTML
        foot = f"<p>... and {more:,} more rows</p>" if more > 0 else ""
        return (
            f"<div><p><b>{html.escape(self._title())}</b><br><small>{html.escape(self.source)}</small></p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}</div>"
        )


def cell_text(value: Any) -> str:
    """Return one cell as people read it: control characters shown, not sent to the terminal."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, (list, tuple)):
        return " -> ".join(cell_text(v) for v in value)
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value))


def _text_table(columns: Mapping[str, Sequence[Any]], count: int, most: int) -> Iterator[str]:
    from rich.cells import cell_len, set_cell_size

    if count == 0:
        return
    cells = {name: [cell_text(v) for v in values[:most]] for name, values in columns.items()}
    widths = {n: min(_WIDEST, max(map(cell_len, [n, *values]))) for n, values in cells.items()}
    yield "  ".join(set_cell_size(name, widths[name]) for name in cells).rstrip()
    for row in zip(*cells.values(), strict=True):
        yield "  ".join(set_cell_size(v, w) for v, w in zip(row, widths.values(), strict=True)).rstrip()
    if count > most:
        yield f"... and {count - most:,} more rows"
