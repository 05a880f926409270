"""Formats that people and programs read, as bytes: photos, GLB, OBJ, BVH."""
