# shop on gcr.io/distroless/python3-debian13

FROM gcr.io/distroless/python3-debian13@sha256:5555555555555555555555555555555555555555555555555555555555555555 AS base

# It has no shell and no pip: packages are installed in an image of the same Python and C library.
FROM debian:trixie-slim@sha256:5555555555555555555555555555555555555555555555555555555555555555 AS build

# To build with, and who asks for it; none of it leaves this stage. Versions are those of the
# release, as a pinned one is gone from the mirrors with its next update.
#   python3      Python
#   python3-pip  Python and its pip
# hadolint ignore=DL3008
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        python3 \
        python3-pip && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
# The environment is copied to the last stage as a whole, so pip stays out of it.
RUN python3 -m venv --without-pip /opt/venv

WORKDIR /app

# requirements.wheelbase.txt was made of uv.lock by `wheelbase dockerfile`.
# Only other requirements make this step run again, no change of the application.
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip --python /opt/venv install --require-hashes --no-deps --requirement requirements.wheelbase.txt

# The application itself comes last: a change of it leaves all steps above in the cache.
COPY . .
# A file that does not compile is no reason to stop; all may be read by whoever runs it.
RUN /opt/venv/bin/python -m compileall -q . ; chmod -R a+rX .

FROM base AS run

# They belong to root: what runs cannot change them.
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app

ENV PATH=/opt/venv/bin:$PATH \
    VIRTUAL_ENV=/opt/venv \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/home/nonroot
WORKDIR /app
USER 65532:65532

ENTRYPOINT ["/opt/venv/bin/python"]
CMD ["main.py"]
