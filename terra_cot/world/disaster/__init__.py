"""Half-metre pictures of a neighbourhood before and after a disaster, labelled building by building."""

from terra_cot.world.disaster.pair import WorldPair, make_pair

__all__ = ["WorldPair", "make_pair"]
