"""Did the model get it right, in words and in pixels?

Law of imports: this package uses the kernel of `terra_cot` and is used by `pipelines`; importing it loads no torch,
rasterio or typer.
"""
