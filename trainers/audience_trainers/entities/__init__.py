"""Entities in text: BERT-CRF tagging and linking of mentions to the dictionary (EGL III-A2)."""
