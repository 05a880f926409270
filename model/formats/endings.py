"""Ends of the names of files that are made, where the format's own ending does not say what is in them."""

RIGGED, SMPL_NPZ = ".rigged.glb", ".smpl.npz"
OVERLAY, SIDE, OVERLAY_VIDEO = ".overlay.png", ".side.png", ".overlay.webm"
HEATMAPS, INFLUENCE = ".heatmaps.png", ".influence.png"
