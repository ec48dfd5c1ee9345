"""What came of a sending: results per user or arm, lift with intervals, suggestions, decisions about relations."""
