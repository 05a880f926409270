"""The scene that people stand in: which way is up, where the ground is, and everyone's place on it. Numpy only."""
