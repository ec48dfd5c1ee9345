"""What protects users: which numbers are shown, sensitive entities, erasure."""
