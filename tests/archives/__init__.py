"""Tiny archives of the synthetic world, each laid out as its publisher lays out the real one."""
