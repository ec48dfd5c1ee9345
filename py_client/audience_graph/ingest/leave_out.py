"""Leave the rows of erased users out of a file that is loaded."""

from __future__ import annotations

import pyarrow as pa

from audience_graph.erased import Erased
from audience_graph.ingest.reading import Reading


def leave_out(found: Reading, erased: Erased | None) -> int:
    """Forget the good rows of erased users and return how many. Nothing is hashed where nobody was erased."""
    if erased is None:
        return 0
    db, user = found.checked.db, found.checked.cells["user_id"]
    ids = [row[0] for row in db.execute(f"SELECT DISTINCT {user} FROM good").fetchall()]
    gone = [one for one, stays in zip(ids, erased.stays(ids), strict=True) if not stays]
    if not gone:
        return 0
    db.register("gone_input", pa.table({"user_id": pa.array(gone, pa.string())}))
    (count,) = db.execute(f"SELECT count(*) FROM good WHERE {user} IN (SELECT user_id FROM gone_input)").fetchall()[0]
    db.execute(f"DELETE FROM good WHERE {user} IN (SELECT user_id FROM gone_input)")
    db.unregister("gone_input")
    return int(count)


def told(count: int) -> tuple[str, ...]:
    """Return the note of a load that left rows out."""
    if not count:
        return ()
    return (f"{count:,} {'row of an erased user was' if count == 1 else 'rows of erased users were'} left out",)
