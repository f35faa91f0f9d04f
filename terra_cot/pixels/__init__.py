"""Pixels in and out of files: what their numbers mean, on which grid they are read, how they are shown and stored."""
