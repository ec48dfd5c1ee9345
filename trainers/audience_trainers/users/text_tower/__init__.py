"""The text side: any Hugging Face encoder or decoder, pooled, projected to unit vectors (FIND eq. 12).

Tuned by LoRA, whole, or by its projection alone over frozen vectors; saved as a folder of sentence-transformers, so
that whoever asks needs no trainer code.
"""
