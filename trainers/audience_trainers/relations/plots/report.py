"""All pictures of a run, as PNG files and inside one page that needs nothing else."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audience_trainers.relations.plots.canvas import Picture
from audience_trainers.relations.plots.relations import draw_degrees, draw_scores
from audience_trainers.relations.plots.sources import draw_sources
from audience_trainers.relations.plots.training import draw_training
from audience_trainers.relations.plots.weeks import draw_weeks
from audience_trainers.run import RunFolder

_DRAW = (draw_training, draw_sources, draw_scores, draw_degrees, draw_weeks)
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2.5rem }
img { max-width: 100%; height: auto } figure { margin: 0 } figcaption { color: #555; max-width: 46rem }
table { border-collapse: collapse } td, th { padding: .15rem 1rem .15rem 0; text-align: left; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums } pre { overflow-x: auto; font-size: .85rem }
"""


def write_plots(run: RunFolder) -> tuple[Path, ...]:
    """Draw what the run's tables allow, and write `<picture>.png` each and `report.html`; return their paths.

    A picture whose input is not in the run is left out, and the report says so. Call it before `finish`, so that
    `done` lists the files. Writes nothing else; equal runs give equal pictures.
    """
    pictures = [draw(run) for draw in _DRAW]
    written = [run.write_bytes(f"{picture.name}.png", picture.png) for picture in pictures if picture.png]
    page = report_page(run, pictures, metrics=_metrics(run))
    return (*written, run.write_bytes("report.html", page.encode("utf-8")))


def report_page(run: RunFolder, pictures: Sequence[Picture], *, metrics: dict[str, Any]) -> str:
    """Return the page: what the run is, its figures, its pictures with captions, what is missing, its settings."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(run.run_id)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Run {html.escape(run.run_id)}</h1>",
        f"<p>Week {html.escape(run.week)}, events up to {run.as_of.isoformat()}, seed {run.seed}.</p>",
        _table(metrics),
    ]
    for picture in pictures:
        if picture.png:
            parts += [f"<h2>{html.escape(picture.title)}</h2>", _figure(picture)]
    missing = [picture for picture in pictures if not picture.png]
    if missing:
        listed = "".join(f"<li>{html.escape(p.title)}: {html.escape(p.missing)}</li>" for p in missing)
        parts += ["<h2>Left out</h2>", f"<ul>{listed}</ul>"]
    settings = html.escape(json.dumps(run.config, indent=2, sort_keys=True, default=str))
    parts += [f"<details><summary>Settings</summary><pre>{settings}</pre></details>", "</body></html>"]
    return "\n".join(parts) + "\n"


def _figure(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    return (
        f'<figure><img alt="{html.escape(picture.title)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{html.escape(picture.caption)}</figcaption></figure>"
    )


def _table(metrics: dict[str, Any]) -> str:
    """Return the plain numbers of metrics.json as a table; nested values belong to the file."""
    rows = [
        f'<tr><th>{html.escape(name.replace("_", " "))}</th><td class="number">{_number(value)}</td></tr>'
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _metrics(run: RunFolder) -> dict[str, Any]:
    if not (run.path / "metrics.json").is_file():
        return {}
    found = run.read_json("metrics")
    return found if isinstance(found, dict) else {}
