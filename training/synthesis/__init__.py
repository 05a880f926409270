"""Training samples from motion capture alone: poses, virtual cameras, heatmaps."""
