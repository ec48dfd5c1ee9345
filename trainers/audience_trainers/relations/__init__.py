"""Relation mining: candidates, scores, thresholds, entity vectors, metrics (EGL section III-B)."""
