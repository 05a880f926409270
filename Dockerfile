# syntax=docker/dockerfile:1
# Two images: `serve` (the default) and `training`. For a machine without a GPU, `--build-arg PIP_EXTRA_INDEX_URL=...`
# may name an index that has the CPU build of torch, which is gigabytes smaller.

ARG PYTHON_VERSION=3.12
ARG NODE_VERSION=22

FROM node:${NODE_VERSION}-slim AS node

FROM python:${PYTHON_VERSION}-slim AS build
# npm fetches MoveNet's weights.
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY model model
COPY service service
COPY training training
COPY weights weights
ARG PIP_EXTRA_INDEX_URL=""
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/mpt && /opt/mpt/bin/pip install .
WORKDIR /
RUN MPT_WEIGHTS_DIR=/opt/weights /opt/mpt/bin/python -m weights.fetch

FROM python:${PYTHON_VERSION}-slim AS training
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 mpt && install --directory --owner mpt /home/mpt/.cache/mpt /app /app/runs
USER mpt
WORKDIR /app
COPY --chown=mpt Makefile pyproject.toml README.md LICENSE NOTICE ./
COPY --chown=mpt model model
COPY --chown=mpt service service
COPY --chown=mpt training training
COPY --chown=mpt weights weights
ARG PIP_EXTRA_INDEX_URL=""
RUN --mount=type=cache,target=/home/mpt/.cache/pip,uid=1000 make .venv/.train
CMD ["make", "train-pretrain"]

FROM python:${PYTHON_VERSION}-slim AS serve
RUN useradd --create-home --uid 1000 mpt && install --directory --owner mpt /var/lib/mpt/meshes
COPY --from=build /opt/mpt /opt/mpt
COPY --from=build /opt/weights /opt/weights
ENV PATH=/opt/mpt/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MPT_HOST=0.0.0.0 \
    MPT_PORT=8000 \
    MPT_WEIGHTS_DIR=/opt/weights \
    MPT_STORE_DIR=/var/lib/mpt/meshes
USER mpt
WORKDIR /home/mpt
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://localhost:' + os.environ['MPT_PORT'] + '/v2/health/ready', timeout=4)"]
CMD ["python", "-m", "service"]
