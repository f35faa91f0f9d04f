"""One file a command of `terra-cot`; `pipelines/terra_cot.py` puts them together."""
