"""Published networks that find people and palms in a photo."""
