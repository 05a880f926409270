"""Images with truth, to learn from: one record type, one file a source."""
