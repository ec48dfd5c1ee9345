"""Link prediction as a task: one split, many models, the same measures.

task.py      what a model may see, and the pairs it is judged on        read.py      a folder in the form of the README
ranking.py   AUC, AP, Hits@K, accuracy                                  hard.py      negatives near the source
models.py    every model by name: fit function and grid                 evaluate.py  models x seeds, tuned on validation
paired.py    means, intervals, paired differences                       kept.py      finished fits, one file each
structure.py what the graph alone says of a pair, fold-safe             report.py    JSON, table, files of `--out`
"""
