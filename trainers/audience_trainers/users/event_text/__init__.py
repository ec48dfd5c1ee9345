"""The texts of events, read by a model of their own: any Hugging Face one, kept as it is or trained along (FIND 4.2.1).

Each distinct text of a batch is read once; once trained, vectors are kept on disk under the content of the weights.
"""
