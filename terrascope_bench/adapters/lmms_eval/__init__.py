"""The task for lmms-eval: this folder is its --include_path, TERRASCOPE_BENCH names the benchmark folder."""
