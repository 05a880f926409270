"""The parametric body behind a mesh: rig, skeleton, fitting."""
