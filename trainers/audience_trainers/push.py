"""The only way results reach the stores: a finished, whole run folder is staged, and a staged release published.

Staging a mining run writes the text vectors of the entities (space `text`), the relations, h_e and the thresholds as a
new version, and its tables in Postgres; staging a user model writes the vectors of all users. Doing either twice
changes nothing.
"""

from __future__ import annotations

from datetime import date

from audience_graph import release
from audience_graph.config import Connections, Home
from audience_graph.errors import InputError, NotFoundError, RunError
from audience_graph.graph.runner import open_runner
from audience_graph.ingest.warehouse import warehouse
from audience_graph.preferences import last_day
from audience_graph.release import Release
from audience_graph.release.gates import DEFAULT_TERMS
from audience_graph.user_text.graph_weight import GraphWeight
from audience_graph.user_text.space import TextSpace, read_space
from audience_graph.user_text.write import Updated
from audience_graph.vectors.store import Store, open_store
from audience_trainers.run import Progress, RunFolder, open_run, silent


def stage_run(home: Home, connections: Connections, run: RunFolder, *, progress: Progress = silent) -> Release:
    """Stage a run with the texts of the users' events and return its release; nothing is published.

    Raises RunError when the folder is unfinished or a file of it changed, ReleaseError when staging is refused.
    """
    open_run(run.path, verify=True)
    with open_runner(connections) as runner:
        store = open_store(connections)
        return release.stage(runner, store, run.path, warehouse=home.warehouse, home=home, progress=progress)


def publish_release(
    connections: Connections,
    staged: Release,
    *,
    home: Home | None = None,
    weeks: int = release.RETENTION_WEEKS,
    terms: release.Terms = DEFAULT_TERMS,
    progress: Progress = silent,
) -> Release:
    """Make a staged release the current one; a process of its own then retires versions older than `weeks` weeks.

    That process logs to `logs/retire.log` of `home`. Raises GateError, and leaves it staged, when it is worse than the
    current one by a gate of the `terms` and they give no reason.
    """
    with open_runner(connections) as runner:
        store = open_store(connections)
        found, _ = release.publish_and_retire(
            runner, store, staged, connections=connections, home=home, weeks=weeks, terms=terms, progress=progress
        )
    return found


def stage_users(
    home: Home, connections: Connections, run: RunFolder, *, as_of: date | None = None, progress: Progress = silent
) -> tuple[TextSpace, Updated]:
    """Stage a user model: the vectors of all users at the end of a day (None: the last with an event) in its space.

    The weight of the graph beside it is fitted with the current release, unless it was. Nothing is published. The same
    model and users again compute nothing. Raises RunError for a damaged folder.
    """
    from audience_trainers.users.graph_weight.in_home import fitted_with_current, weigh_space
    from audience_trainers.users.keep import load_users, sentence_map
    from audience_trainers.users.standing import Standing
    from audience_trainers.users.train_users import kept_events, kept_texts, past_of, space_of

    open_run(run.path, verify=True)
    day = last_day(warehouse(home).batches("events")) if as_of is None else as_of
    with past_of(home, connections, day) as source:
        trained = load_users(run, source, kept_texts(home), cache=kept_events(home), progress=progress)
        standing = Standing(trained, day, progress=progress)
        told = run.read_json("model")
        space = TextSpace(
            space=space_of(run),
            model=run.run_id,
            dims=trained.model.head.out_features,
            week=run.week,
            as_of=day,
            horizon_days=told["horizon_days"],
            metrics=run.read_json("metrics"),
        )
        store = open_store(connections)
        users, entities = standing.users(), trained.texts.vectors
        staged = release.stage_user_text(
            store, space, sentence_map(run), users, standing.embed, entities=entities, home=home
        )
        with store.transaction(read_only=True) as tx:
            fitted = fitted_with_current(tx, space.space)
        if not fitted:
            with open_runner(connections) as runner:
                weigh_space(runner, store, space.space, source, trained, run=run, progress=progress)
    return staged


def weigh_users(
    home: Home, connections: Connections, name: str | None = None, *, progress: Progress = silent
) -> tuple[TextSpace, GraphWeight]:
    """Fit the weight of the graph for a user-text space (its name or run; None = the current one), and keep it.

    Events up to the day of its users are read. Raises NotFoundError before anything is published, without such a space,
    or when the run of its model is not here.
    """
    from audience_trainers.users.graph_weight.in_home import weigh_space
    from audience_trainers.users.keep import load_users
    from audience_trainers.users.train_users import kept_events, kept_texts, past_of

    store = open_store(connections)
    space = _space(store, name)
    if not (home.runs / space.model / "run.json").is_file():
        raise NotFoundError(
            f"the run of space {space.space} is not here: {space.model}", hint=f"copy its folder into {home.runs}"
        )
    run = open_run(home.runs / space.model, verify=True)
    with past_of(home, connections, space.as_of) as source, open_runner(connections) as runner:
        trained = load_users(run, source, kept_texts(home), cache=kept_events(home), progress=progress)
        found = weigh_space(runner, store, space.space, source, trained, run=run, progress=progress)
    if found is None:
        raise NotFoundError("nothing is published yet: there is no graph to weigh", hint="audience-graph mine")
    return space, found


def publish_users(
    home: Home,
    connections: Connections,
    name: str,
    *,
    keep: int = release.KEEP_SPACES,
    progress: Progress = silent,
) -> tuple[Release, release.RetiredText]:
    """Make a user-text space, named by itself or its run, that of the current release; return it and what was retired.

    The weight of the graph is fitted first, where that was not done with the current relations; it is said where the
    model's run or the events are not here. Afterwards spaces that were published before the last `keep` are dropped,
    but for those that prompts were tuned in.
    """
    from audience_trainers.users.graph_weight.in_home import fitted_with_current

    store = open_store(connections)
    space = _space(store, name)
    with store.transaction(read_only=True) as tx:
        fitted = fitted_with_current(tx, space.space)
    if not fitted:
        try:
            weigh_users(home, connections, space.space, progress=progress)
        except (InputError, NotFoundError, RunError) as exc:  # published all the same, with the weight that there is
            progress(f"the weight of the graph is not fitted: {exc.message}", 1, 1)
    with open_runner(connections) as runner:
        found = release.publish_user_text(runner, store, space.space)
    return found, release.retire_past_user_text(store, keep=keep)


def _space(store: Store, name: str | None) -> TextSpace:
    """Return a user-text space by its name or run, None = that of the current release. Raises NotFoundError."""
    named = release.current(store).user_text_space if name is None else name
    if named is None:
        raise NotFoundError(
            "the current release has no user-text space", hint="audience-graph users train --small --publish"
        )
    with store.transaction(read_only=True) as tx:
        return read_space(tx, named)


def refresh_users(
    home: Home,
    connections: Connections,
    *,
    as_of: date | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> release.RefreshedText:
    """Bring the users of the current user-text space to a day, and publish that: only those of whom something is new.

    Raises NotFoundError when there is no such space, RunError when the run of its model is gone.
    """
    from audience_trainers.users.keep import load_users
    from audience_trainers.users.standing import Standing
    from audience_trainers.users.train_users import kept_events, kept_texts, past_of

    store = open_store(connections)
    space = _space(store, None)
    run = open_run(home.runs / space.model, verify=True)
    files = warehouse(home).batches("events")
    day = max(last_day(files), space.as_of) if as_of is None else as_of
    with past_of(home, connections, day) as source, open_runner(connections) as runner:
        standing = Standing(
            load_users(run, source, kept_texts(home), cache=kept_events(home), progress=progress),
            day,
            progress=progress,
        )
        return release.refresh_user_text(
            runner, store, standing.users(), standing.embed, space=space.space, as_of=day, force=force, home=home
        )
