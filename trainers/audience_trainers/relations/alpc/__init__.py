"""Stage II: adaptive-threshold link prediction with contrastive learning, ALPC (EGL III-B2).

geniepath.py  z_u (eq. 1)      scoring.py   s_uv = g([z_u || z_v]) (eq. 2)      losses/   L_pred, L_th, L_cl (eq. 2-4)
negatives.py  random and hard  sampler.py   neighbours of a batch               model.py  the three heads together
train.py      the loop (eq. 5) checkpoint.py  resume after a kill               fit.py    as a row of the evaluation
"""
