"""The training loop: steps, optimizers, state, processes."""
