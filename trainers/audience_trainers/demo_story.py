"""What the demo shows a reader: relations with examples, an expansion as a tree, users with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from audience_graph.audience.explain import Explanation
from audience_graph.audience.target import Target
from audience_graph.client import AudienceGraph
from audience_graph.graph.answers import Expansion
from audience_graph.graph.expansion import Expanded
from audience_trainers.run import RunFolder

BRANCHES, LEAVES, USERS, REASONS = 6, 3, 3, 3
GRADES = {1.0: "same want", 0.5: "neighbouring want", 0.0: "not planted"}


@dataclass(frozen=True, slots=True)
class Story:
    """One phrase answered: its strongest relations (name, type, score, grade of the truth), expansion, users."""

    phrase: str
    relations: tuple[tuple[str, str, float, float], ...]
    expansion: Expansion
    target: Target
    reasons: tuple[Explanation, ...]


def tell_story(ag: AudienceGraph, phrase: str, grades: Mapping[tuple[str, str], float], run: RunFolder) -> Story:
    """Ask the client everything about one phrase. Raises AmbiguousError or NotFoundError as the client does."""
    expansion = ag.expand(phrase, hops=2, limit=200)
    target = ag.target(phrase, size=1000)
    seed = expansion.seeds[0].id
    entities = run.read_table("entities").to_pandas().set_index("entity_id")
    own = run.read_table("relations").to_pandas().query("source_id == @seed").sort_values("rank").head(8)
    relations = tuple(
        (
            str(entities.at[row.target_id, "name"]),
            str(entities.at[row.target_id, "type"]),
            float(row.score),
            grades.get((seed, row.target_id), 0.0),
        )
        for row in own.itertuples()
    )
    reasons = tuple(ag.explain(user, target) for user in target.user_ids[:USERS])
    return Story(phrase, relations, expansion, target, reasons)


def print_story(console: Console, story: Story) -> None:
    """Print the relations, the tree and the users of one phrase."""
    console.print(f"\n[bold]Strongest relations of {escape(repr(story.phrase))}[/bold] (and what was planted)")
    table = Table(show_edge=False, pad_edge=False)
    for column in ("entity", "type", "score", "planted as"):
        table.add_column(column)
    for name, kind, score, grade in story.relations:
        table.add_row(escape(name), kind, f"{score:.3f}", GRADES[grade])
    console.print(table)
    console.print(f"\n[bold]Expansion, 2 hops[/bold]: {len(story.expansion.entities):,} entities reached")
    console.print(expansion_tree(story.expansion))
    target = story.target
    console.print(
        f"\n[bold]Users[/bold]: the best {len(target.user_ids):,} of {target.eligible:,} who did anything lately; "
        f"the last of them scores {_score(target.score_at_cut)}\n"
        "[dim]score: how much what a user did lately is like what the phrase stands for; from -1 to 1, "
        "0 = no relation[/dim]"
    )
    for reason in story.reasons:
        print_reason(console, reason)


def expansion_tree(expansion: Expansion) -> Tree:
    """Return the strongest branches that lead on, each with what its path leads to."""
    seed = expansion.seeds[0]
    tree = Tree(f"{escape(seed.name)} [dim]({seed.type})[/dim]")
    behind: dict[str, list[Expanded]] = {}
    for entity in expansion.entities:
        if entity.hop == 2:
            behind.setdefault(entity.path[1], []).append(entity)
    first = [e for e in expansion.entities if e.hop == 1]
    leading = [e for e in first if e.id in behind][:BRANCHES]
    for entity in leading or first[:BRANCHES]:
        branch = tree.add(_leaf(entity))
        for leaf in behind.get(entity.id, [])[:LEAVES]:
            branch.add(_leaf(leaf))
    hidden = len(expansion.entities) - sum(1 + len(branch.children) for branch in tree.children)
    if hidden > 0:
        tree.add(f"[dim]and {hidden:,} more[/dim]")
    return tree


def _leaf(entity: Expanded) -> str:
    return f"{escape(entity.name)} [dim]({entity.type}, {entity.relevance:.2f})[/dim]"


def _score(score: float | None) -> str:
    return "nothing" if score is None else f"{score:.2f}"


def print_reason(console: Console, found: Explanation) -> None:
    """Print why one user is in: the entities of own events with the largest shares, and the last event of each."""
    console.print(f"  [bold]{escape(found.user_id)}[/bold] scores {_score(found.score)}, because of")
    for reason in found.reasons[:REASONS]:
        _, channel, text = reason.last
        share = "" if reason.share is None else f"{reason.share:.0%} "
        said = f"{channel}: {text}" if text is not None else channel or "not told without a reason"
        path = "" if len(reason.path_names) < 2 else f" (by {' -> '.join(reason.path_names)})"
        console.print(f"    {share}{escape(reason.name)}{escape(path)}", highlight=False)
        console.print(f"        [dim]{escape(said)}[/dim]", highlight=False)
