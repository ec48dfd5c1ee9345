"""A run in a folder that its user names (`--out`): taken up where it stopped, returned as it is when it is finished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audience_graph.errors import ConfigError, RunError
from audience_trainers.run import RunFolder, code_version, open_run


def check_out(out: Path, kind: str) -> None:
    """Raise ConfigError when `out` is a file, or holds anything but a run of this kind."""
    if out.is_file():
        raise ConfigError(f"--out {out} is a file")
    if out.is_dir() and any(out.iterdir()) and _head(out).get("kind") != kind:
        raise ConfigError(f"--out {out} holds other files", hint="name a new folder")


def finished_metrics(out: Path, key: str) -> dict[str, Any] | None:
    """Return folder and metrics of a finished run of the same data, settings and seed (`key`), None without one."""
    try:
        run = open_run(out)
        return {"folder": str(out), **run.read_json("metrics")} if _head(out).get("key") == key else None
    except (RunError, OSError):
        return None  # not there, not finished or damaged: train it


def start_run(
    out: Path, kind: str, key: str, config: Any, *, seed: int, last: int, told: Mapping[str, str]
) -> RunFolder:
    """Write run.json and return the run, whose `done` is taken away until it is finished again.

    `config` is a frozen dataclass, `last` the second of the last event, `told` what else run.json says.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "done").unlink(missing_ok=True)
    as_of = datetime.fromtimestamp(last, UTC)
    year, week, _ = as_of.isocalendar()
    run = RunFolder(out, out.name, kind, f"{year}-W{week:02d}", as_of.date(), seed, asdict(config))
    head = {"run_id": run.run_id, "kind": kind, "week": run.week, "as_of": run.as_of.isoformat(), "seed": seed, **told}
    started = datetime.now(UTC).isoformat()
    run.write_json("run", head | {"key": key, "config": run.config, "started": started, "code_version": code_version()})
    return run


def _head(out: Path) -> dict[str, Any]:
    try:
        found = json.loads((out / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
