"""Pictures of a run: PNG files and one self-contained page, written into its folder."""

from audience_trainers.relations.plots.report import write_plots

__all__ = ["write_plots"]
