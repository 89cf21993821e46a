# shop on registry.example/python:3.13-alpine, Python 3.13.9. Build it with:
# docker build -t shop --secret id=pip.conf,src=FILE .

# Not pinned by its digest: its registry could not be asked.
FROM registry.example/python:3.13-alpine AS base

FROM base AS build

# To build with, and who asks for it; none of it leaves this stage. Versions are those of the
# release, as a pinned one is gone from the mirrors with its next update.
#   gcc          lxml: setup.py:1
#   libxml2-dev  lxml: setup.py:33
# hadolint ignore=DL3018
RUN apk add --no-cache \
        gcc \
        libxml2-dev

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    UV_PYTHON=/opt/venv/bin/python \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/venv
# The environment is copied to the last stage as a whole; uv stays in one of its own.
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv --without-pip /opt/venv && \
    python3 -m venv --without-pip /opt/tools && \
    python3 -m pip --python /opt/tools install uv==0.9.1

WORKDIR /src

# Only another lock file makes this step run again, no change of the application.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    /opt/tools/bin/uv sync --locked --no-install-project --no-default-groups --extra web

# The application itself comes last: a change of it leaves all steps above in the cache.
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    /opt/tools/bin/uv sync --locked --no-editable --no-default-groups --extra web

FROM base AS run

# What is loaded when it runs, and who asks for it:
#   libxml2  lxml: setup.py:33
# hadolint ignore=DL3018
RUN apk add --no-cache \
        libxml2

# They belong to root: what runs cannot change them.
COPY --from=build /opt/venv /opt/venv

ENV PATH=/opt/venv/bin:$PATH \
    VIRTUAL_ENV=/opt/venv \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/home/nonroot \
    MODE="a \$b"
LABEL org.opencontainers.image.title="a shop"
WORKDIR /app
USER 65532:65532

ENTRYPOINT ["/opt/venv/bin/shop"]
