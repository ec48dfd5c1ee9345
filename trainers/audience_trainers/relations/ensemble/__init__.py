"""Stage III: relations from the vectors of the last weeks, steadier than those of any one week (EGL III-B3, eq. 6).

weeks.py    z_e of finished runs, read and aligned         pairs.py    training pairs of the weeks, pooled
scores.py   s_uv and eps_u of stage II, week by week
model.py    H_uv -> attention over weeks -> logit, eps_u   train.py    weighted cross-entropy, week dropout
infer.py    logits, thresholds, attention, h_e             spaces.py   h_e: concatenation, gaps filled by rotation
weekly.py   all of it for one mining run
"""
