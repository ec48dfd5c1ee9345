"""What is kept of audiences in Postgres: names, revisions, snapshots with their members."""
