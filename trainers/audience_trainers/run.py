"""Run folder, configuration, seed, device: what every trainer starts with.

A run folder is one folder per run under `<home>/runs/`:

    run.json    written first: run_id, kind, week, as_of, started, config (resolved), seed, code version
    ...         the run's tables, arrays and metrics, each written to a temporary name and renamed
    done        written last: when it ended, and size and SHA-256 of every file

A folder without `done` was stopped on the way; `open_run` refuses it, so nothing half-written is ever staged.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast, get_type_hints

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.errors import ConfigError, RunError

C = TypeVar("C")


class Progress(Protocol):
    """Called with the step in words, how much of it is done, and how much there is."""

    def __call__(self, step: str, done: int, total: int) -> None: ...


def silent(step: str, done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run on disk. `create_run` makes it, `open_run` reads a finished one."""

    path: Path
    run_id: str
    kind: str
    week: str
    as_of: date
    seed: int
    config: dict[str, Any]

    def write_table(self, name: str, table: pa.Table) -> Path:
        """Write `<name>.parquet` (zstd) under a temporary name, then rename it."""
        return self._write(f"{name}.parquet", lambda path: pq.write_table(table, path, compression="zstd"))

    def write_array(self, name: str, array: npt.NDArray[Any]) -> Path:
        """Write `<name>.npy` under a temporary name, then rename it."""

        def save(path: Path) -> None:
            with path.open("wb") as file:
                np.save(file, array, allow_pickle=False)

        return self._write(f"{name}.npy", save)

    def write_json(self, name: str, value: Any) -> Path:
        """Write `<name>.json` with sorted keys under a temporary name, then rename it."""
        text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str) + "\n"
        return self._write(f"{name}.json", lambda path: path.write_text(text, encoding="utf-8"))

    def write_bytes(self, name: str, data: bytes) -> Path:
        """Write a file under a temporary name, then rename it."""
        return self._write(name, lambda path: path.write_bytes(data))

    def read_table(self, name: str) -> pa.Table:
        """Return `<name>.parquet`."""
        return pq.read_table(self.path / f"{name}.parquet")

    def read_array(self, name: str) -> npt.NDArray[Any]:
        """Return `<name>.npy`, mapped into memory."""
        return cast("npt.NDArray[Any]", np.load(self.path / f"{name}.npy", mmap_mode="r", allow_pickle=False))

    def read_json(self, name: str) -> Any:
        """Return `<name>.json`."""
        return json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))

    def finish(self) -> None:
        """Write `done`: from here on the run can be opened and staged."""
        found = sorted(p for p in self.path.rglob("*") if p.is_file())
        files = {p.relative_to(self.path).as_posix(): _describe(p) for p in found}
        text = json.dumps({"finished": _now(), "files": files}, indent=2, sort_keys=True) + "\n"
        self._write("done", lambda path: path.write_text(text, encoding="utf-8"))

    def _write(self, name: str, save: Callable[[Path], object]) -> Path:
        target, temporary = self.path / name, self.path / f".{name}.part"
        save(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
        return target


def create_run(runs: Path, *, kind: str, week: str, as_of: date, config: Any, seed: int) -> RunFolder:
    """Make a new folder under `runs` and write its run.json. `config` is a frozen dataclass, already resolved."""
    started = datetime.now(UTC)
    run_id = f"{kind}-{week}-{started:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    path = runs / run_id
    path.mkdir(parents=True)
    values = dataclasses.asdict(config)
    run = RunFolder(path=path, run_id=run_id, kind=kind, week=week, as_of=as_of, seed=seed, config=values)
    run.write_json(
        "run",
        {
            "run_id": run_id,
            "kind": kind,
            "week": week,
            "as_of": as_of.isoformat(),
            "started": started.isoformat(),
            "config": values,
            "seed": seed,
            "code_version": code_version(),
        },
    )
    return run


def open_run(path: Path, *, verify: bool = False) -> RunFolder:
    """Open a finished run. With `verify` every file's SHA-256 is compared too.

    Raises RunError when the run was stopped before its end, or a file is missing or changed.
    """
    try:
        head = json.loads((path / "run.json").read_text(encoding="utf-8"))
        done = json.loads((path / "done").read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise RunError(
            f"{path} is not a finished run: {Path(exc.filename).name} is missing",
            hint="run `audience-graph mine` again",
        ) from None
    except ValueError as exc:
        raise RunError(f"{path} is damaged: {exc}", hint="run `audience-graph mine` again") from exc
    for name, told in done["files"].items():
        file = path / name
        if not file.is_file() or file.stat().st_size != told["bytes"] or (verify and _describe(file) != told):
            raise RunError(f"{path} is damaged: {name} is missing or changed", hint="run `audience-graph mine` again")
    return RunFolder(
        path=path,
        run_id=head["run_id"],
        kind=head["kind"],
        week=head["week"],
        as_of=date.fromisoformat(head["as_of"]),
        seed=head["seed"],
        config=head["config"],
    )


def resolve_config(kind: type[C], overrides: Sequence[str] = ()) -> C:
    """Return the frozen configuration with `key=value` overrides put in; `part.key=value` for a part of its own.

    Raises ConfigError for an unknown key or a value of the wrong type.
    """
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    parts: dict[str, list[str]] = {}
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise ConfigError(f"{override!r} is not of the form key=value")
        part, dot, rest = key.partition(".")
        if dot and dataclasses.is_dataclass(types.get(part)):
            parts.setdefault(part, []).append(f"{rest}={text}")
            continue
        if key not in types or dataclasses.is_dataclass(types[key]):
            raise ConfigError(f"unknown setting {key!r}", hint=f"settings: {', '.join(_names(types))}")
        values[key] = _parse(key, text, types[key])
    values |= {part: _resolve_part(types[part], part, given) for part, given in parts.items()}
    return kind(**values)


def _resolve_part(kind: type[Any], part: str, overrides: Sequence[str]) -> Any:
    try:
        return resolve_config(kind, overrides)
    except ConfigError as exc:
        raise ConfigError(f"{part}: {exc.message}", hint=exc.hint) from exc


def _names(types: dict[str, Any]) -> list[str]:
    """Return the names of settings, sorted; a part of its own as `part.*`."""
    return sorted(f"{name}.*" if dataclasses.is_dataclass(kind) else name for name, kind in types.items())


def _parse(key: str, text: str, wanted: Any) -> Any:
    try:
        if wanted is bool:
            return {"true": True, "false": False}[text.lower()]
        return wanted(text)
    except (ValueError, KeyError) as exc:
        raise ConfigError(f"setting {key}: expected {wanted.__name__}, found {text!r}") from exc


def seed_everything(seed: int) -> np.random.Generator:
    """Seed Python and numpy (and nothing that is not loaded yet), return the run's generator."""
    random.seed(seed)
    return np.random.default_rng(seed)


def choose_device(name: str = "auto") -> str:
    """Return `cuda` or `cpu`. Imports torch only when asked to choose.

    Raises ConfigError when `cuda` is asked for and absent.
    """
    if name == "cpu":
        return "cpu"
    if name not in {"auto", "cuda"}:
        raise ConfigError(f"unknown device {name!r}", hint="devices: auto, cpu, cuda")
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if name == "cuda":
        raise ConfigError("no CUDA device", hint="use device=auto or device=cpu")
    return "cpu"


def code_version() -> str:
    """Return the package version and the first 8 digits of the SHA-256 over the trainers' sources."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.relative_to(Path(__file__).parent).as_posix().encode())
        digest.update(file.read_bytes())
    return f"{version('audience-graph')}+{digest.hexdigest()[:8]}"


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _now() -> str:
    return datetime.now(UTC).isoformat()
