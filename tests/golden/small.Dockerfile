# shop on python:3.13-slim

FROM python:3.13-slim@sha256:5555555555555555555555555555555555555555555555555555555555555555 AS base

FROM base AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
# The environment is copied to the last stage as a whole, so pip stays out of it.
RUN python3 -m venv --without-pip /opt/venv

WORKDIR /app

# Only other requirements make this step run again, no change of the application.
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip --python /opt/venv install --requirement requirements.txt

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
EXPOSE 8000/tcp
USER 65532:65532
STOPSIGNAL SIGINT

ENTRYPOINT ["python", "-m", "shop"]
