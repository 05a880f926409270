"""What the network is: heatmaps in, a mesh out. Tensors; no photos, no files but checkpoints."""
