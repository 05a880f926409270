"""Hand poses: anatomy, named gestures, and random hands drawn from both."""
