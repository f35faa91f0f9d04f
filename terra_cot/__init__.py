"""Rasters in, Parquet of pixel-grounded reasoning out.

Law of imports: `pipelines` -> `terrascope_bench` -> `terra_cot` kernel, never the other way. The kernel (errors, mask,
legend, tile, sample, shards, manifest, facts, chains) needs no rasterio, torch or typer; importing this package loads
none of them.
"""

__version__ = "0.1.0"

FORMAT_VERSION = 1
"""Version of every file format that this release writes (datasets, benchmarks, predictions, scorecards)."""
