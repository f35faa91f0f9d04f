# The two commands in a small image: docker build -t terra-cot . && docker run --rm -v "$PWD:/work" terra-cot demo out
# terrascope-bench: docker run --rm -v "$PWD:/work" --entrypoint terrascope-bench terra-cot --help
# Extras: --build-arg EXTRAS='[stac,cloud]'. Files belong to the user of `docker run --user "$(id -u):$(id -g)"`.
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY terra_cot terra_cot
COPY terrascope_bench terrascope_bench
COPY pipelines pipelines
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.11-slim
ARG EXTRAS=""
ENV PYTHONUNBUFFERED=1 HF_HOME=/tmp/huggingface
# The one library that a wheel (rasterio's) takes from the system and the slim image lacks.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=bind,from=build,source=/wheel,target=/wheel \
    pip install --no-cache-dir "$(echo /wheel/*.whl)${EXTRAS}" \
    && useradd --uid 1000 --create-home terra \
    && install --directory --owner=terra /work
USER 1000
WORKDIR /work
ENTRYPOINT ["terra-cot"]
CMD ["--help"]
