"""What a dataset holds, in numbers: balance of tiers, tasks and classes, lengths, cloud, alignment; and as a page."""

from terra_cot.stats.measure import stats
from terra_cot.stats.page import write_page

__all__ = ["stats", "write_page"]
