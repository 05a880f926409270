"""Manners of HTTP: limits, deadlines, logs, headers."""
