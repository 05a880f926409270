"""Body models: pose and shape parameters in, meshes out; one protocol for all."""
