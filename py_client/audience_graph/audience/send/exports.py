"""`ag.exports`: send a snapshot to a file or a webhook, hold out, suppress, resume; everything here is audited.

ag.exports.hold_out("spring", share=0.1)
ag.exports.send("spring", "spring.csv", purpose="marketing")
ag.exports.send("spring", "https://example.com/audiences", mode="delta", hashed={"mail": "google-email"})
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from audience_graph.audience.keep.snapshots import Snapshot, newest_snapshot, read_snapshot
from audience_graph.audience.send.answers import (
    Export,
    ExportList,
    Split,
    Suppressed,
    show_export,
    show_split,
    show_suppressed,
)
from audience_graph.audience.send.approval import check_approved, require_approval
from audience_graph.audience.send.arms import checked_shares
from audience_graph.audience.send.choose import MODES, Request, choose
from audience_graph.audience.send.consent import check_purpose
from audience_graph.audience.send.deliver import check_again, deliver, give_up, reread
from audience_graph.audience.send.destination import Destination, find_destination
from audience_graph.audience.send.holdout import audience_number, read_holdout, set_holdout
from audience_graph.audience.send.records import ExportRecord, exports_of, read_export, sending, unfinished
from audience_graph.audience.send.shape import Shape, check_columns, find_shape
from audience_graph.audience.send.suppression import count_reasons, read_users, release_users, suppress
from audience_graph.audience.send.to_webhook import CHUNK_ROWS
from audience_graph.audience.send.webhook import Retry
from audience_graph.audience.target import MOST
from audience_graph.audit import find_actor
from audience_graph.config import Home
from audience_graph.errors import ConfigError, ExportError, NotFoundError
from audience_graph.release.progress import Progress, silent
from audience_graph.vectors.store import Store, Transaction


class Exports:
    """What leaves the system, and what keeps users from leaving it."""

    def __init__(
        self, store: Store, *, actor: str | None = None, retry: Retry | None = None, home: Home | None = None
    ) -> None:
        """`home` is the data folder, which knows who was erased."""
        self._store = store
        self._home = home
        self._actor = actor if actor is not None else find_actor()
        self._retry = retry or Retry()

    def send(
        self,
        audience: str | int,
        to: str | os.PathLike[str],
        *,
        purpose: str = "marketing",
        mode: str = "replace",
        format: str | None = None,  # noqa: A002 - what people call it
        columns: Sequence[str] = ("user_id",),
        hashed: Mapping[str, str] | None = None,
        chunk_rows: int | None = None,
        destination: str | None = None,
        progress: Progress = silent,
    ) -> Export:
        """Send the newest snapshot of an audience, or a snapshot by its number, to a file or a webhook.

        Suppression, consent for `purpose` and the arms are applied last, per user. `mode`: "replace" sends the whole
        audience, "append" whom the destination does not hold yet, "delta" those as added and who left as removed.
        `hashed` maps columns of users to normal forms, such as {"mail": "google-email"}. `chunk_rows` gives numbered
        files. `destination` is a name to count appends and deltas under where file names differ.

        The same call after a stop goes on with the export that it began. Raises ExportError where fewer than 100 users
        would be sent, approval is missing, another export there has not ended, or the receiver refuses.
        """
        place = find_destination(to, format, destination)
        shape = _shape(mode, columns, hashed)
        rows = _chunk_rows(chunk_rows, place)
        with self._store.transaction(read_only=True) as tx:
            snapshot = _snapshot(tx, audience)
        asked = Request(snapshot, purpose, place, mode, shape, rows, self._actor)
        with sending(self._store, snapshot.audience_id, place.name, place.to):
            return self._finish(self._begin(asked), progress)

    def check_snapshot(self, audience: str, number: int) -> int:
        """Return a snapshot's number. Raises NotFoundError where it is not one of this audience."""
        with self._store.transaction(read_only=True) as tx:
            if read_snapshot(tx, number).name != audience:
                raise NotFoundError(f"snapshot {number} is not one of audience {audience!r}")
        return number

    def resume(self, export: int, *, progress: Progress = silent) -> Export:
        """Go on with an export that was stopped: only what was not acknowledged is sent, with the same keys."""
        begun = reread(self._store, export)
        with sending(self._store, begun.audience_id, begun.destination, begun.to):
            with self._store.transaction(read_only=True) as tx:
                begun = read_export(tx, export)
                check_again(tx, begun)
            return self._finish(begun, progress)

    def abandon(self, export: int) -> Export:
        """Give up an export that was stopped, so that another one may go there. What was tried counts as sent."""
        begun = reread(self._store, export)
        with sending(self._store, begun.audience_id, begun.destination, begun.to):
            give_up(self._store, reread(self._store, export), self._actor)
        return self.show(export)

    def show(self, export: int) -> Export:
        """Return an export: its steps with their numbers, and how far it is."""
        return self._shown(reread(self._store, export))

    def list(self, audience: str) -> ExportList:
        """Return the exports of an audience, newest first."""
        with self._store.transaction(read_only=True) as tx:
            found = tuple(show_export(one, 0) for one in exports_of(tx, audience_number(tx, audience)))
        if not found:
            return ExportList(audience, ())
        return ExportList(audience, found, found[0].release, found[0].version, found[0].week)

    def hold_out(
        self,
        audience: str,
        share: float | None = None,
        *,
        arms: Mapping[str, float] | None = None,
        new_salt: bool = False,
    ) -> Split:
        """Hold a share of an audience's users out of its exports, or split them into arms; the one called `holdout` is
        never sent.

        A user keeps an arm wherever it is computed. After an export other arms need `new_salt`: ExportError else.
        """
        shares = checked_shares(share, arms)
        with self._store.transaction() as tx:
            return show_split(audience, set_holdout(tx, self._actor, audience, shares, new_salt=new_salt))

    def holdout(self, audience: str) -> Split:
        """Return the arms of an audience."""
        with self._store.transaction(read_only=True) as tx:
            return show_split(audience, read_holdout(tx, audience_number(tx, audience)))

    def suppress(self, users: Sequence[str] | os.PathLike[str], reason: str) -> Suppressed:
        """Never send these users again, of a list or a text file with one id a line. Unknown ids count from now on."""
        given = read_users(users)
        with self._store.transaction() as tx:
            suppress(tx, self._actor, given, reason, home=self._home)
            return show_suppressed(count_reasons(tx), len(given.user_ids))

    def release(self, users: Sequence[str] | os.PathLike[str]) -> Suppressed:
        """Take users off the suppression list again. Ids that are not on it change nothing."""
        given = read_users(users)
        with self._store.transaction() as tx:
            release_users(tx, self._actor, given)
            return show_suppressed(count_reasons(tx), len(given.user_ids))

    def suppressed(self) -> Suppressed:
        """Return how many users are suppressed, by reason."""
        with self._store.transaction(read_only=True) as tx:
            return show_suppressed(count_reasons(tx))

    def require_approval(self, required: bool) -> None:
        """Let only approved revisions leave from now on, or drafts too."""
        if not isinstance(required, bool):
            raise ConfigError(f"approval is required, True, or not, False; not {required!r}")
        with self._store.transaction() as tx:
            require_approval(tx, self._actor, required)

    def _begin(self, asked: Request) -> ExportRecord:
        """Return the export to go on with: the same one that was stopped, else a new one."""
        with self._store.transaction(snapshot=True) as tx:
            before = unfinished(tx, asked.snapshot.audience_id, asked.destination.name)
            if before is not None:
                _check_same(before, asked)
                check_again(tx, before)
                return before
            check_purpose(tx, asked.purpose)
            check_columns(tx, asked.shape)
            check_approved(tx, asked.snapshot)
            number = choose(tx, asked, read_holdout(tx, asked.snapshot.audience_id))
            return read_export(tx, number)

    def _finish(self, begun: ExportRecord, progress: Progress) -> Export:
        escaped = deliver(self._store, begun, self._actor, self._retry, progress)
        note = "ids that a spreadsheet would run got a leading apostrophe: use parquet or jsonl" if escaped else ""
        return self._shown(reread(self._store, begun.id), note)

    def _shown(self, export: ExportRecord, note: str = "") -> Export:
        with self._store.transaction(read_only=True) as tx:
            query = "SELECT count(*) AS n FROM export_chunk WHERE export_id = %s AND status = 'sent'"
            return show_export(export, int(tx.rows(query, (export.id,))[0]["n"]), note)


def _snapshot(tx: Transaction, audience: str | int) -> Snapshot:
    if isinstance(audience, bool) or not isinstance(audience, int | str) or "\0" in str(audience):
        raise ConfigError(f"an audience is a name, or the number of a snapshot, not {audience!r}")
    return read_snapshot(tx, audience) if isinstance(audience, int) else newest_snapshot(tx, audience)


def _shape(mode: str, columns: Sequence[str], hashed: Mapping[str, str] | None) -> Shape:
    if mode not in MODES:
        raise ConfigError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    shape = find_shape(columns, hashed)
    return Shape((*shape.columns, "change"), shape.hashed) if mode == "delta" else shape


def _chunk_rows(asked: Any, place: Destination) -> int | None:
    if asked is None:
        return CHUNK_ROWS if place.is_webhook else None
    if isinstance(asked, bool) or not isinstance(asked, int) or not 1 <= asked <= MOST:
        raise ConfigError(f"chunk_rows must be a whole number from 1 to {MOST:,}, not {asked!r}")
    return asked


def _check_same(before: ExportRecord, asked: Request) -> None:
    """Raise ExportError where the export that has not ended is another one than that which is asked for."""
    options = {name: value for name, value in before.options.items() if name != "compared_with"}
    was = (before.snapshot_id, before.purpose, before.format, before.mode, options)
    now = (asked.snapshot.id, asked.purpose, asked.destination.format, asked.mode, asked.options)
    if was != now:
        raise ExportError(
            f"export {before.id} of audience {before.audience!r} to {before.destination} has not ended",
            hint=f"`audience-graph export resume {before.id}` ends it, `export abandon {before.id}` gives it up",
        )
