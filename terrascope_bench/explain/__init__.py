"""A model explains a georeferenced scene: chain and answer, each step's mask on the ground, as files a GIS opens.

scene.py     files become one scene: what is optical, what is SAR, which date each shows
views.py     the scene as the model's pictures: an overview, and windows at full resolution
tiles.py     overlapping tiles merged without seams
look.py      a prompt of the mask decoder asked of every tile
ask.py       the chain: written on the overview, its masks looked up on the tiles
change.py    what came or went between two dates: flood, damage, clearing
clouds.py    what cloud hides on a date, where an image tells it
follows.py   the option that the model's own mask measures
remarks.py   what has to be said beside an answer, in sentences
roads.py     the parts of given roads that lie in a mask
vectors.py, rasters.py, picture.py, page.py   the forms of the answer
record.py    what answer.json tells of masks, images and roads
write.py     the folder, whole or not at all
"""

from __future__ import annotations
