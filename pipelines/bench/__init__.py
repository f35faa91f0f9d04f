"""One file a command of `terrascope-bench`; `pipelines/terrascope_bench.py` puts them together."""
