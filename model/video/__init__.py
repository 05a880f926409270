"""From frame to frame: people followed and smoothed."""
