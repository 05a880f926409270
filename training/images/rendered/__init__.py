"""People rendered over backgrounds, with exact truth."""
