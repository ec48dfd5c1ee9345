"""`audience-graph evaluate annotate` and `evaluate accuracy`: ask people about pairs, and measure what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from audience_graph.cli.options import data_dir_option, print_json, print_rows
from audience_graph.config import Home, find_connections, find_home
from audience_graph.errors import ConfigError, RunError

if TYPE_CHECKING:
    from audience_trainers.relations.annotation.accuracy import Estimate
    from audience_trainers.relations.annotation.population import Population
    from audience_trainers.relations.annotation.report import Report

__all__ = ["annotate", "evaluate_accuracy"]

_LISTED = 20


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to write: .csv or .parquet.")
@click.option("--run", help="A mining run's id or folder. [default: the newest finished run]")
@click.option("--version", help="A version of the stores instead: version, hash, week or release number.")
@click.option("--week", help="The published version of a week in the stores instead.")
@click.option(
    "--pool",
    "pools",
    type=click.Choice(["relations", "candidates", "popularity"]),
    multiple=True,
    help="What to sample; may be repeated: relations, all candidates, pairs by popularity. [default: relations]",
)
@click.option("--count", type=click.IntRange(1, 1_000_000), default=400, show_default=True, help="Pairs to sample.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=7, show_default=True, help="Repeats a sample.")
@click.option(
    "--by",
    type=click.Choice(["provenance", "score", "source"]),
    default="provenance",
    show_default=True,
    help="Strata: provenance, quarters of score, or of how often the source is mentioned.",
)
@click.option("--annotators", default="annotator", show_default=True, help="Names, separated by commas.")
@click.option(
    "--overlap", type=click.FloatRange(0, 1), default=0.2, show_default=True, help="Share of pairs for two annotators."
)
@click.option("--oracle", is_flag=True, help="Fill in what the demo world's truth says.")
@click.option(
    "--oracle-noise",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Chance that an oracle's score slips by one step, for each annotator on its own.",
)
@click.option("--replace", is_flag=True, help="Overwrite an annotation file in which no score is filled in.")
@data_dir_option
def annotate(
    out: Path,
    run: str | None,
    version: str | None,
    week: str | None,
    pools: tuple[str, ...],
    count: int,
    seed: int,
    by: str,
    annotators: str,
    overlap: float,
    oracle: bool,
    oracle_noise: float,
    replace: bool,
    data_dir: str | None,
) -> None:
    """Sample pairs of entities into a file in which people score how correlated they are: 0, 0.5 or 1.

    Open it in a spreadsheet and fill in the column score: 1 highly correlated, 0.5 medium, 0 uncorrelated. What
    the model says is kept from annotators in a second file, FILE.key.parquet, which `evaluate accuracy` needs.
    A file that holds a score is never overwritten.

    \b
    audience-graph evaluate annotate --out pairs.csv --annotators ann,bob,chen
    audience-graph evaluate annotate --out pairs.csv --week 2026-W30 --by score
    audience-graph evaluate annotate --out pairs.csv --pool relations --pool candidates --pool popularity --count 1200
    """
    from audience_trainers.relations.annotation.file import annotation_rows, check_target, write_annotations
    from audience_trainers.relations.annotation.key import write_key
    from audience_trainers.relations.annotation.oracle import fill_in, read_grades
    from audience_trainers.relations.annotation.sample import By, SampleOptions, draw_sample

    check_target(out, replace=replace)
    names = tuple(dict.fromkeys(name.strip() for name in annotators.split(",") if name.strip()))
    if not names:
        raise ConfigError("--annotators names nobody", hint="--annotators ann,bob")
    home = find_home(data_dir)
    options = SampleOptions(pools or ("relations",), count, cast("By", by), names, overlap, seed)
    population = _population(home, run, version, week)
    sample = draw_sample(population, options)
    rows = annotation_rows(population, sample)
    if oracle:
        rows = fill_in(rows, read_grades(home.path / "demo"), noise=oracle_noise, seed=seed)
    key = write_key(out, population, sample)
    write_annotations(out, rows)
    click.echo(f"{len(sample):,} pairs of {population.origin} in {len(rows):,} rows; key: {key}", err=True)
    print_rows(
        [{"file": str(out), "pairs": len(sample), "rows": len(rows), "key": str(key)}],
        columns=["file", "pairs", "rows", "key"],
    )


@click.command(name="accuracy")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--run", help="Measure this run's relations and scores on the annotations too: its id or folder.")
@click.option("--version", help="The same for a version of the stores: version, hash, week or release number.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@data_dir_option
def evaluate_accuracy(
    files: tuple[Path, ...], run: str | None, version: str | None, seed: int, as_json: bool, data_dir: str | None
) -> None:
    """Measure relations by annotation files: ACC, CorS, AECC, AUC, and how far annotators agree.

    ACC is the share of pairs with a score above 0 (the majority of a pair's annotators decides, an even split counts
    half), CorS the mean score, AECC the relations per entity, AUC that of the model's scores against ACC's labels.
    Intervals are 95 %: Wilson for ACC, bootstrap for CorS and AUC. Files of several weeks give the variance of ACC
    over weeks. A file of your own needs the columns source_id, target_id, score and annotator.

    \b
    audience-graph evaluate accuracy pairs.csv
    audience-graph evaluate accuracy pairs.csv --run mine-2026-W30-20260727T050000-1a2b --json
    audience-graph evaluate accuracy w28.csv w29.csv w30.csv
    """
    from audience_trainers.relations.annotation.judgements import read_weeks
    from audience_trainers.relations.annotation.report import make_report

    named = run is not None or version is not None
    beside = _population(find_home(data_dir), run, version, None) if named else None
    weeks = read_weeks(files, known=None if beside is None else frozenset(beside.ids))
    report = make_report(weeks, beside=beside, seed=seed)
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)


def run_folder(home: Home, run: str | None) -> Path:
    """Return a run's folder by id or path, else the newest finished mining run. Raises RunError when there is none."""
    if run is not None:
        return home.runs / run if (home.runs / run).is_dir() else Path(run)
    done = [file.parent for file in home.runs.glob("*/done") if (file.parent / "relations.parquet").is_file()]
    if not done:
        raise RunError(f"no finished mining run in {home.runs}", hint="run `audience-graph mine`")
    return max(done, key=lambda folder: (folder / "done").stat().st_mtime_ns)


def _population(home: Home, run: str | None, version: str | None, week: str | None) -> Population:
    from audience_graph import release as releases
    from audience_graph.graph.runner import open_runner
    from audience_graph.vectors.store import open_store
    from audience_trainers.relations.annotation.population import population_of_release, population_of_run
    from audience_trainers.run import open_run

    if sum(name is not None for name in (run, version, week)) > 1:
        raise ConfigError("more than one of --run, --version and --week", hint="name one of them")
    if version is None and week is None:
        return population_of_run(open_run(run_folder(home, run)))
    connections = find_connections(home)
    store = open_store(connections)
    found = releases.find(store, version) if version is not None else releases.version_of(store, week)
    with open_runner(connections) as runner:
        return population_of_release(runner, found)


def _print(report: Report) -> None:
    rows = [
        {
            "week": pool.week,
            "pool": pool.pool,
            "pairs": pool.pairs,
            "ACC": _share(pool.acc),
            "CorS": _number(pool.cors),
            "AECC": "" if pool.aecc is None else f"{pool.aecc:.1f}",
            "AUC": _number(pool.auc),
        }
        for pool in report.pools
    ]
    print_rows(rows, columns=list(rows[0]))
    strata = [
        {"week": pool.week, "pool": pool.pool, "stratum": label, "pairs": pairs, "ACC": _share(acc)}
        for pool in report.pools
        for label, (pairs, acc) in pool.strata.items()
    ]
    if strata:
        click.echo()
        print_rows(strata, columns=list(strata[0]))
    for pool in report.pools:
        if pool.covered is not None:
            click.echo(f"\nThe sample could have drawn {pool.covered:.0%} of the {pool.pool}.")
    for over in report.variances:
        click.echo(
            f"\nACC of {over.pool} over {over.weeks} weeks: mean {over.mean:.2%}, variance {over.variance:.3f} squared "
            f"percentage points, of which {over.sampling:.3f} are expected from annotating samples"
        )
    click.echo(f"\n{_agreement(report)}")
    _print_disagreements(report)


def _agreement(report: Report) -> str:
    found = report.agreement
    if found.percent is None:
        return "No pair was scored by two annotators: agreement is not known."
    whose = "Cohen's" if found.kappa_of == "cohen" else "Fleiss'"
    kappa = "" if found.kappa is None else f", {whose} kappa {found.kappa:.3f}"
    alpha = "" if found.alpha is None else f", Krippendorff's alpha (ordinal) {found.alpha:.3f}"
    return (
        f"{found.annotators} annotators scored {found.pairs:,} pairs in common: {found.percent:.1%} equal{kappa}{alpha}"
    )


def _print_disagreements(report: Report) -> None:
    if not report.disagreements:
        return
    shown: Sequence[dict[str, str]] = [
        {
            "source": pair.names[0] or pair.source_id,
            "target": pair.names[1] or pair.target_id,
            "scores": ", ".join(f"{name} {score:g}" for name, score in pair.scores),
        }
        for pair in report.disagreements[:_LISTED]
    ]
    click.echo(f"\nPairs on which they differ ({len(shown)} of {len(report.disagreements):,}; --json lists all):")
    print_rows(shown, columns=["source", "target", "scores"])


def _share(found: Estimate) -> str:
    return "" if math.isnan(found.value) else f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%})"


def _number(found: Estimate) -> str:
    return "" if math.isnan(found.value) else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
