"""Tuned prompts by name: one small file each, read with numpy alone.

<folder>/<name>.npz    vector (out,), tokens (m, e), plain (out,), and `about`: the rest as JSON
"""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from audience_graph.errors import ConfigError, NotFoundError, RunError
from audience_trainers.users.prompt.tune import TunedPrompt
from audience_trainers.users.prompt.verdict import Verdict

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def save_prompt(folder: Path, name: str, prompt: TunedPrompt, *, space: str) -> Path:
    """Write a prompt under a temporary name, then rename it; one of that name is replaced.

    `space` names the user-text space that its vector belongs to. Raises ConfigError for a name that is no file name.
    """
    path = _path(folder, name)
    about = {
        "sentence": prompt.sentence,
        "space": space,
        "weight": prompt.weight,
        "steps": prompt.steps,
        "verdict": asdict(prompt.verdict),
    }
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{name}.part"
    with temporary.open("wb") as file:
        np.savez(
            file,
            vector=prompt.vector,
            tokens=prompt.tokens,
            plain=prompt.plain,
            about=np.array(json.dumps(about, ensure_ascii=False)),
        )
    temporary.replace(path)
    return path


def load_prompt(folder: Path, name: str, *, space: str) -> TunedPrompt:
    """Return a prompt. Raises NotFoundError without one of that name, RunError when damaged or of another space."""
    path = _path(folder, name)
    if not path.is_file():
        known = ", ".join(prompt_names(folder)) or "none yet"
        raise NotFoundError(f"no tuned prompt {name!r} in {folder}", hint=f"tuned prompts: {known}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            about = json.loads(str(kept["about"]))
            arrays = {part: np.asarray(kept[part], np.float32) for part in ("vector", "tokens", "plain")}
        verdict = Verdict(**about["verdict"])
        prompt = TunedPrompt(about["sentence"], weight=about["weight"], steps=about["steps"], verdict=verdict, **arrays)
        of = about["space"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as exc:
        raise RunError(f"{path} is damaged: {exc}", hint="tune the prompt again") from exc
    if of != space:
        raise RunError(f"prompt {name!r} is of space {of!r}, not {space!r}", hint="tune it again in the current space")
    return prompt


def prompt_names(folder: Path) -> list[str]:
    """Return the names of the prompts in a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.npz") if not path.name.startswith("."))


def _path(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name for a prompt", hint="letters, digits, dot, dash, underscore")
    return folder / f"{name}.npz"
