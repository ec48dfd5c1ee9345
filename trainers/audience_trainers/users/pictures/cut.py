"""What is shown at a cut: for each task its users and its sentence before and after tuning, and all tasks at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from re import sub

import numpy as np

from audience_graph.errors import InputError
from audience_trainers.relations.plots.canvas import BLUE, GREY, VERMILION
from audience_trainers.run import Progress, silent
from audience_trainers.users.few_shot import crowd_of, tuned_prompt
from audience_trainers.users.measures import Values, auc
from audience_trainers.users.pictures.draw import Cloud, draw_clouds, look_of
from audience_trainers.users.pictures.flat import LEAST, Rows, draw_some, lay_out
from audience_trainers.users.prepared import Prepared, prepare_users
from audience_trainers.users.prompt.tune import TunedPrompt
from audience_trainers.users.question import Question
from audience_trainers.users.scoring import MODELS, Asked, Options
from audience_trainers.users.tasks.history import History
from audience_trainers.users.user_model import Floats

MOST = 2_000  # users drawn in one picture
HOW = "t-SNE of cosines: near is alike; distances between far points say nothing."


@dataclass(frozen=True, slots=True)
class Pictures:
    """Writes the pictures of each cut into `folder`: TASK_prompt.png, and scenarios.png (with its day, if of several).

    Prompts are tuned on `few` + `few` users of the fitting part of split `seed`; users of the other part are drawn.
    """

    folder: Path
    few: int = 5
    seed: int = 0
    progress: Progress = silent

    def __call__(self, history: History, options: Options, questions: Sequence[Question], *, alone: bool) -> None:
        """Draw a cut's tasks. `alone`: there is no other cut. Where no model could be trained, nothing is written."""
        try:
            found = prepare_users(history, options)
        except InputError as exc:
            self.progress(f"no pictures: {exc.message}", 1, 1)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for done, question in enumerate(questions, start=1):
            png = draw_prompt(found, question, options, few=self.few, seed=self.seed)
            name = sub(r"[^\w-]+", "_", question.task.name)  # fit for a file
            self._write(f"{name}_prompt", png)
            self.progress("pictures", done, len(questions) + 1)
        day = datetime.fromtimestamp(history.cut, UTC).date().isoformat()
        self._write("scenarios" if alone else f"scenarios_{day}", draw_scenarios(found, questions, seed=self.seed))
        self.progress("pictures", len(questions) + 1, len(questions) + 1)

    def _write(self, name: str, png: bytes | None) -> None:
        if png is None:
            self.progress(f"{name}.png is left out: too few users with events", 1, 1)
        else:
            (self.folder / f"{name}.png").write_bytes(png)


def draw_prompt(found: Prepared, question: Question, options: Options, *, few: int, seed: int) -> bytes | None:
    """Return the picture of a task: targeted, untargeted, hard-negative users, the sentence before and after (Fig. 3).

    None when fewer than 8 of the evaluation part have events. Beside the picture stand the AUCs of both sentences.
    """
    split, y = question.split(seed), question.found.y
    rows = split.evaluation[question.judged[split.evaluation]]
    rows = rows[found.place[question.place[rows]] >= 0]
    if len(rows) < LEAST:
        return None
    told = question.told(MODELS["few_shot"], split.fitting, few=few, seed=seed)
    asked = Asked(question.task.name, question.task.sentence, question.matching, question.place[told], y[told], seed)
    tuned = tuned_prompt(found, options.shared.once("tower", found.trained.tower), crowd_of(found, options), asked)
    plain = found.trained.embed_sentences([question.task.sentence])[0] if tuned is None else tuned.plain
    moved = tuned is not None and tuned.weight > 0
    hard = np.zeros(len(y), np.bool_) if question.found.hard is None else question.found.hard
    kinds = [rows[(y[rows] == 0) & ~hard[rows]], rows[(y[rows] == 0) & hard[rows]], rows[y[rows] == 1]]
    drawn = draw_some(kinds, MOST, seed=seed)
    vectors = found.vectors[found.place[question.place[np.concatenate(drawn)]]]
    sentences = [plain, tuned.vector] if tuned is not None and moved else [plain]
    points = lay_out(np.concatenate([vectors, np.stack(sentences)]), seed=seed)
    clouds = _clouds(points, drawn, kinds)
    here = points[len(vectors) :]
    note = f"{_aucs(found, question, rows, plain, tuned)}. {HOW}"
    return draw_clouds(
        clouds, question.task.sentence, note, before=here[0], after=here[1] if len(here) > 1 else None
    )  # fmt: skip


def _clouds(points: Values, drawn: Sequence[Rows], kinds: Sequence[Rows]) -> list[Cloud]:
    looks = (("untargeted", GREY, 10.0, 0.45), ("hard negative", VERMILION, 18.0, 0.85), ("targeted", BLUE, 18.0, 0.85))
    parts = np.split(points, np.cumsum([len(rows) for rows in drawn]))
    return [
        Cloud(part, _counted(label, len(rows), len(kind)), colour, size=size, alpha=alpha)
        for part, rows, kind, (label, colour, size, alpha) in zip(parts, drawn, kinds, looks, strict=False)
        if len(rows)
    ]


def _counted(label: str, drawn: int, of: int) -> str:
    return f"{label} ({of:,})" if drawn == of else f"{label} ({drawn:,} of {of:,})"


def _aucs(found: Prepared, question: Question, rows: Rows, plain: Floats, tuned: TunedPrompt | None) -> str:
    """Return the AUC of the sentence among all users that may be drawn, and after tuning."""
    vectors = found.vectors[found.place[question.place[rows]]]
    y = question.found.y[rows]
    if len(np.unique(y)) < 2:
        return "All users drawn have one label"
    told = f"AUC {auc(np.asarray(vectors @ plain, np.float64), y):.3f}"
    if tuned is None or tuned.weight == 0:
        return f"{told}, the seeds leave the sentence as it is"
    return f"{told}, after tuning {auc(np.asarray(vectors @ tuned.vector, np.float64), y):.3f}"


def draw_scenarios(found: Prepared, questions: Sequence[Question], *, seed: int) -> bytes | None:
    """Return the picture of users by the task whose positives they are (Fig. 4), grey for those of several tasks.

    None when fewer than 8 such users have events. Users of no task are not drawn.
    """
    count = np.zeros(len(found.place), np.int64)
    positives = [question.place[(question.found.y == 1) & question.judged] for question in questions]
    for rows in positives:
        count[rows] += 1
    usable = found.place >= 0
    groups = [np.flatnonzero((count > 1) & usable)]
    groups += [np.sort(rows[(count[rows] == 1) & usable[rows]]) for rows in positives]
    if sum(map(len, groups)) < LEAST:
        return None
    drawn = draw_some(groups, MOST, seed=seed)
    points = lay_out(found.vectors[found.place[np.concatenate(drawn)]], seed=seed)
    names = ["several", *(question.task.name for question in questions)]
    clouds = []
    for i, part in enumerate(np.split(points, np.cumsum([len(rows) for rows in drawn[:-1]]))):
        colour, mark = (GREY, "o") if i == 0 else look_of(i - 1)
        if len(part):
            label = _counted(names[i], len(part), len(groups[i]))
            size, alpha = (9.0, 0.35) if i == 0 else (15.0, 0.85)
            clouds.append(Cloud(part, label, colour, mark, size, alpha))
    return draw_clouds(clouds, "Users by the task whose positives they are", HOW)
