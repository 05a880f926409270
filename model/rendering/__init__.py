"""Pictures of meshes, without a window or a GPU."""
