"""Work that takes longer than a request: videos, one after the other, with their state on the disk."""
