"""Tasks that judge user targeting: a sentence, who is asked about, and what they did in the future window.

task.py  what a task is    parse.py  reads tasks.toml    truth.py  the query as SQL    sets/  real data in this form
source.py  opens a folder of the contract    labels.py  who is eligible, 0 or 1    history.py  all that a scorer may see
"""
