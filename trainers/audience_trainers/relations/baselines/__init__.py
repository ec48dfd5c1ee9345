"""What ALPC is measured against (EGL, Table II), and what a user would try first: one model a file."""
