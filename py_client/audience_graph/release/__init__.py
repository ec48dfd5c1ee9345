"""Releases: stage a mining run, publish it in one step, look back, roll back, retire.

content.py   a run folder, checked and named by its content     stage.py     both stores, nothing published
publish.py   the one row, then the mirror                       refresh.py   the daily preferences, in one transaction
gates.py     may it replace the current one
records.py   which release is current, which are kept           diff.py      two versions compared
retire.py    delete a version in batches                     retention.py  publish; a process deletes what is too old
user_text.py   the vectors of a user model: stage, publish, refresh, retire
"""

from audience_graph.graph.expansion import VersionRef
from audience_graph.release.diff import Change, Diff, diff
from audience_graph.release.gates import DEFAULT_GATES, Gates, Judgement, Terms, checks_of, judge, notes, parse_gates
from audience_graph.release.publish import publish, repair_mirror, rollback
from audience_graph.release.records import (
    Release,
    current,
    find,
    list_releases,
    read_current,
    read_version_of,
    version_of,
)
from audience_graph.release.refresh import Refreshed, refresh
from audience_graph.release.retention import log_of, publish_and_retire, retire_in_background
from audience_graph.release.retire import RETENTION_WEEKS, Retired, expired, mark_retiring, retire
from audience_graph.release.stage import stage
from audience_graph.release.text_retention import KEEP_SPACES, RetiredText, published_spaces, retire_past_user_text
from audience_graph.release.user_text import (
    RefreshedText,
    publish_user_text,
    refresh_user_text,
    retire_user_text,
    stage_user_text,
)

__all__ = [
    "DEFAULT_GATES",
    "KEEP_SPACES",
    "RETENTION_WEEKS",
    "Change",
    "Diff",
    "Gates",
    "Judgement",
    "Refreshed",
    "RefreshedText",
    "Release",
    "Retired",
    "RetiredText",
    "Terms",
    "VersionRef",
    "checks_of",
    "current",
    "diff",
    "expired",
    "find",
    "judge",
    "list_releases",
    "log_of",
    "mark_retiring",
    "notes",
    "parse_gates",
    "publish",
    "publish_and_retire",
    "publish_user_text",
    "published_spaces",
    "read_current",
    "read_version_of",
    "refresh",
    "refresh_user_text",
    "repair_mirror",
    "retire",
    "retire_in_background",
    "retire_past_user_text",
    "retire_user_text",
    "rollback",
    "stage",
    "stage_user_text",
    "version_of",
]
