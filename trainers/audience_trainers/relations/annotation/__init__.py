"""What people say of pairs: sampled into a file, filled in, read back, and measured (EGL IV-A1)."""
