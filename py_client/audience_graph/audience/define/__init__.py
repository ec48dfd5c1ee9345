"""What an audience is, as a value: leaves that find users, set algebra over them, words and JSON for both."""
