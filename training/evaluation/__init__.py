"""Scores of checkpoints: on held-out MoCap, on Human3.6M and 3DPW, on photos; tables, their JSON, and pictures."""
