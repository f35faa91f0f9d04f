"""Everything recomputed: checksums of files, masks from label maps, evidence from masks, words from evidence.

Nothing that was written is trusted. A tile is right when its pictures are what its rasters show and its place is
theirs. A sample is right when its masks are what the tile's label map says, its evidence is what the masks measure,
every number in its text is an evidence row's, and a template's text, written again from the row, is the same text.
Counts and card are right when they follow from the rows. (A label map, and an 8-bit picture kept without a raster, are
where the chain ends: of these only the checksum tells.)
"""

from terra_cot.verify.dataset import verify
from terra_cot.verify.report import Problem, Report

__all__ = ["Problem", "Report", "verify"]
