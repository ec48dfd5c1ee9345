"""Tasks that judge user targeting: a sentence, who is asked about, and what they did in the future window.

task.py  what a task is      toml.py  reads tasks.toml       truth.py  the query, as SQL over a folder of the contract
read.py  events, profiles and outcomes before or after a cut      labels.py  who is eligible, and 0 or 1      sets/  real data
"""
