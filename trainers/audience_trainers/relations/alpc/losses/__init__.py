"""The three losses of ALPC (EGL eq. 2-4), one a file; each is maths on tensors, callable without a model."""
