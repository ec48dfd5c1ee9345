"""Small event folders and plain-Python references for the tests of the user model."""
