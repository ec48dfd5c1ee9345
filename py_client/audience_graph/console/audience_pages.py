"""Saved audiences: freeze who is in, hold out, send, report, learn."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, g, render_template, request, send_file
from flask.typing import ResponseReturnValue

from audience_graph.console.downloads import new_file, ready_files
from audience_graph.errors import ConfigError, NotFoundError

pages = Blueprint("audiences", __name__)
_ENDINGS = (".csv", ".jsonl", ".parquet")


@pages.get("/audiences")
def list_() -> str:
    """List the saved audiences."""
    return render_template("audiences.html", audiences=g.desk.ag.audiences.list())


@pages.get("/audience")
def one() -> str:
    """Show one audience: what it says, its snapshots, its exports, what came of them."""
    name, ag = request.args.get("name", ""), g.desk.ag
    exports, files = ag.exports.list(name), ready_files(g.desk.downloads)
    return render_template(
        "audience.html",
        name=name,
        lines=ag.audiences.describe(name),
        revisions=ag.audiences.revisions(name),
        snapshots=ag.audiences.snapshots(name),
        holdout=ag.exports.holdout(name),
        exports=exports,
        files={e.id for e in exports.exports if e.id in files},
        report=_or_none(lambda: ag.results.report(name)),
        entities=_or_none(lambda: ag.results.entities(name)),
    )


@pages.post("/audience/take")
def take() -> str:
    """Freeze who is in an audience now."""
    ag = g.desk.because(request.form.get("because", "").strip())
    taken = ag.audiences.take(_field("audience"))
    return render_template("parts/saved.html", taken=taken)


@pages.post("/audience/holdout")
def holdout() -> str:
    """Hold a share of the users out of what is sent."""
    share = _field("share").strip().removesuffix("%").replace(",", ".").strip()
    try:
        wanted = float(share) / 100
    except ValueError:
        raise ConfigError(f"a share is a number of per cent, not {share[:40]!r}") from None
    g.desk.ag.exports.hold_out(_field("audience"), wanted)
    return _said(f"{wanted:.0%} of the users are held out of what is sent from now on.")


@pages.post("/audience/send")
def send() -> str:
    """Write an export that can be downloaded: consent, suppression and the holdout are applied last."""
    name, ending = _field("audience"), "." + _field("format")
    if ending not in _ENDINGS:
        raise ConfigError(f"a file is one of {', '.join(_ENDINGS)}")
    path = new_file(g.desk.downloads, ending)
    found = g.desk.ag.exports.send(
        name, path, purpose=_field("purpose").strip(), mode=_field("mode"), destination=f"console: {name}"[:200]
    )
    return render_template("parts/sent.html", export=found)


@pages.post("/audience/resume")
def resume() -> str:
    """Go on with an export that was stopped."""
    return render_template("parts/sent.html", export=g.desk.ag.exports.resume(_number("export")))


@pages.post("/audience/abandon")
def abandon() -> str:
    """Give up an export that was stopped."""
    g.desk.ag.exports.abandon(_number("export"))
    return _said("The export is given up; what it sent counts as sent.")


@pages.get("/download")
def download() -> ResponseReturnValue:
    """Give away the file of an export."""
    number = _whole(request.args.get("export", ""))
    path = ready_files(g.desk.downloads).get(number)
    gone = NotFoundError("the file of this export is no longer here", hint="export everybody again")
    if path is None:
        raise gone
    try:
        return send_file(path, as_attachment=True, download_name=f"export-{number}{path.suffix}")
    except FileNotFoundError:  # its hour ended just now
        raise gone from None


@pages.post("/audience/results")
def results() -> str:
    """Load a file of results for an export, all of it or nothing."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise ConfigError("choose a file of results first")
    ending = Path(upload.filename.replace("\0", "")).suffix.lower()
    if ending not in _ENDINGS:
        raise ConfigError(f"a file of results is one of {', '.join(_ENDINGS)}, not {upload.filename[:80]!r}")
    with tempfile.TemporaryDirectory(prefix="audience-graph-results-") as folder:
        path = Path(folder) / f"results{ending}"
        upload.save(path)
        found = g.desk.ag.results.load(path, _number("export"))
    notes = " ".join(found.notes)
    return _said(f"{found.read:,} rows read, {found.written:,} new or changed. {notes}".strip())


@pages.post("/audience/suggest")
def suggest() -> str:
    """Show entities that were not picked and whose users surely converted more often."""
    name = _field("audience")
    return render_template("parts/suggestions.html", found=g.desk.ag.results.suggest(name), name=name)


@pages.post("/audience/follow")
def follow() -> str:
    """Confirm suggestions: as relations for everybody, from now on."""
    ids = request.form.getlist("entity")
    if not ids:
        raise ConfigError("tick at least one suggestion")
    g.desk.ag.results.follow(_field("audience"), ids=ids, count=len(ids), note="in the console")
    return _said(f"{len(ids)} relation{'' if len(ids) == 1 else 's'} confirmed: find again to use them.")


def _said(message: str) -> str:
    return render_template("parts/said.html", message=message)


def _field(name: str) -> str:
    value = request.form.get(name)
    if not value:
        raise ConfigError(f"{name} is missing")
    return value


def _number(name: str) -> int:
    return _whole(_field(name))


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ConfigError(f"an export is named by its number, not {text[:40]!r}")
    return int(text)


def _or_none(ask: Callable[[], Any]) -> Any:
    """Return an answer, None where there are no results yet."""
    try:
        return ask()
    except NotFoundError:
        return None
