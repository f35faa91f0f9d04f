"""A dataset at rest: parts, manifest, card and metadata, written whole or not at all, and the folder while it grows."""
