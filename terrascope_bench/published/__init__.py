"""The published benchmark file becomes a benchmark folder; what it does not tell stays unknown; nothing vanishes."""
