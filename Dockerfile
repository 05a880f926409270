# syntax=docker/dockerfile:1
# Three images: `cpu` (the default: ONNX Runtime, no PyTorch), `gpu` (PyTorch on CUDA) and `training`.
# The stage `weights` and `training` install PyTorch. Without a GPU there, `--build-arg PIP_EXTRA_INDEX_URL=...` may name
# an index that has its CPU build, which is gigabytes smaller; nothing of it reaches the image `cpu`.

ARG PYTHON_VERSION=3.12
ARG NODE_VERSION=22
# What PyTorch's wheels are built for; the host's driver must know it.
ARG CUDA_VERSION=13.0.1

FROM node:${NODE_VERSION}-slim AS node

FROM python:${PYTHON_VERSION}-slim AS python
# .dockerignore lets through what the project is made of, and nothing else.
WORKDIR /src
COPY . .

# The networks' weights, fetched and written as ONNX.
FROM python AS weights
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ARG PIP_EXTRA_INDEX_URL=""
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/mpt && /opt/mpt/bin/pip install --constraint constraints.txt ".[onnx-cpu]"
ENV MPT_WEIGHTS_DIR=/opt/weights
RUN /opt/mpt/bin/python -m weights.fetch && /opt/mpt/bin/python -m model.runtime.export --output /opt/onnx

FROM python:${PYTHON_VERSION}-slim AS training
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 mpt && install --directory --owner mpt /home/mpt/.cache/mpt /app /app/runs
USER 10001
WORKDIR /app
COPY --chown=mpt . .
ARG PIP_EXTRA_INDEX_URL=""
RUN --mount=type=cache,target=/home/mpt/.cache/pip,uid=10001 make .venv/.train
CMD ["make", "train-pretrain"]

# PyTorch's wheels bring CUDA's libraries; the base image brings what the NVIDIA container runtime looks for.
FROM nvidia/cuda:${CUDA_VERSION}-base-ubuntu24.04 AS gpu
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /opt/mpt && /opt/mpt/bin/pip install --constraint constraints.txt .
COPY --from=weights /opt/weights /opt/weights
# Group 0 is that of any other user whom an orchestrator or `docker run --user` chooses.
RUN useradd --create-home --uid 10001 mpt && install --directory --owner mpt --group root --mode 770 /var/lib/mpt
ENV PATH=/opt/mpt/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MPT_HOST=0.0.0.0 \
    MPT_PORT=8000 \
    MPT_DEVICE=cuda \
    MPT_LOG_FORMAT=json \
    MPT_WEIGHTS_DIR=/opt/weights \
    MPT_STORE_DIR=/var/lib/mpt/meshes \
    MPT_JOBS_DIR=/var/lib/mpt/videos
USER 10001
WORKDIR /home/mpt
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://localhost:' + os.environ['MPT_PORT'] + '/v2/health/ready', timeout=4)"]
CMD ["python", "-m", "service"]

# All that pyproject.toml asks for, less PyTorch.
FROM python AS cpu-build
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
    print(*(need for need in project['dependencies'] if not need.startswith('torch')), sep='\n')" > /requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/mpt && \
    /opt/mpt/bin/pip install --requirement /requirements.txt "onnxruntime>=1.20" && /opt/mpt/bin/pip install --no-deps .

FROM python:${PYTHON_VERSION}-slim AS cpu
COPY --from=cpu-build /opt/mpt /opt/mpt
COPY --from=weights /opt/onnx /opt/weights
# Group 0 is that of any other user whom an orchestrator or `docker run --user` chooses.
RUN useradd --create-home --uid 10001 mpt && install --directory --owner mpt --group root --mode 770 /var/lib/mpt
ENV PATH=/opt/mpt/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MPT_HOST=0.0.0.0 \
    MPT_PORT=8000 \
    MPT_ENGINE=onnx \
    MPT_LOG_FORMAT=json \
    MPT_WEIGHTS_DIR=/opt/weights \
    MPT_STORE_DIR=/var/lib/mpt/meshes \
    MPT_JOBS_DIR=/var/lib/mpt/videos
USER 10001
WORKDIR /home/mpt
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://localhost:' + os.environ['MPT_PORT'] + '/v2/health/ready', timeout=4)"]
CMD ["python", "-m", "service"]
