"""A small planted mining run, as a run folder, for the tests of releases and preferences."""
