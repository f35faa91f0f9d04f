"""A report is a page that opens from disk: what went in, what came out, what was checked, who scored what.

Text from outside (class names, model names, replies) is escaped by the template engine, never pasted as HTML.
"""

from terrascope_bench.report.page import write_report

__all__ = ["write_report"]
