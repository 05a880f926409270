"""Readers of the field's image data sets."""
