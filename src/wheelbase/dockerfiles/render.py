"""A plan to the text of its Dockerfile. Pure.

Sources: Docker's reference of Dockerfiles and its guide to building images, uv's guide to Docker, hadolint's rules.
"""

from collections.abc import Iterator

from wheelbase.dockerfiles import quoting
from wheelbase.dockerfiles.lines import comments, from_image, listed, system_packages
from wheelbase.dockerfiles.python import VENV, application, environment, requirements, workplace
from wheelbase.dockerfiles.values import DockerfilePlan

_NONROOT = "65532:65532"
_HOME = "/home/nonroot"


def render(plan: DockerfilePlan) -> str:
    """Return the Dockerfile. RequirementsError or BaseError where something of the plan cannot stand in one."""
    blocks = [*_heads(plan), *_build_stage(plan), *_run_stage(plan)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _heads(plan: DockerfilePlan) -> Iterator[list[str]]:
    yield list(comments(plan.title, *plan.remarks))
    yield list(from_image(plan.image, "base"))
    if plan.build_image:
        because = "It has no shell and no pip" if not plan.shell else "It has no pip"
        what = f"{because}: packages are installed in an image of the same Python and C library."
        yield [*comments(what), *from_image(plan.build_image, "build")]
    else:
        yield ["FROM base AS build"]


def _build_stage(plan: DockerfilePlan) -> Iterator[list[str]]:
    if plan.build_user:
        # A number, as a name may not be known where the image is built.
        yield [*comments("This stage alone is built as root."), "# hadolint ignore=DL3002", "USER 0"]
    if plan.build_packages:
        yield [
            *comments("To build with, and who asks for it; none of it leaves this stage. Versions are those of the"),
            *comments("release, as a pinned one is gone from the mirrors with its next update."),
            *listed(plan.build_packages),
            *system_packages(plan, plan.build_manager, plan.build_packages),
        ]
    yield list(environment(plan))
    yield [f"WORKDIR {workplace(plan)}"]
    yield list(requirements(plan))
    yield list(application(plan))
    if plan.installer == "pip" and not plan.pip_beside:
        yield [
            *comments("pip is of no use to what runs. It goes in a step of its own, whatever the last one is."),
            "# hadolint ignore=DL3059",
            f"RUN {VENV}/bin/python -m pip uninstall --yes pip",
        ]


def _run_stage(plan: DockerfilePlan) -> Iterator[list[str]]:
    yield ["FROM base AS run"]
    if plan.run_packages:
        yield [
            *comments("What is loaded when it runs, and who asks for it:"),
            *listed(plan.run_packages),
            *(["USER 0"] if plan.base_user else []),
            *system_packages(plan, plan.manager, plan.run_packages),
        ]
    copies = [f"COPY --from=build {VENV} {VENV}"]
    copies += ["COPY --from=build /app /app"] if plan.application == "folder" else []
    yield [*comments("They belong to root: what runs cannot change them."), *copies]
    yield list(_settings(plan))
    yield list(_command(plan))


def _settings(plan: DockerfilePlan) -> Iterator[str]:
    runtime = plan.runtime
    user = runtime.user or plan.base_user or _NONROOT
    found = {"VIRTUAL_ENV": VENV, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    found |= {"HOME": _HOME} if user == _NONROOT else {}
    found |= runtime.env_vars
    pairs = [f"{quoting.variable(name)}={quoting.value(text)}" for name, text in found.items()]
    path = [] if "PATH" in runtime.env_vars else [f"PATH={VENV}/bin:$PATH"]
    yield "ENV " + " \\\n    ".join([*path, *pairs])
    labels = [f"{quoting.label(name)}={quoting.value(text)}" for name, text in runtime.labels.items()]
    if labels:
        yield "LABEL " + " \\\n      ".join(labels)
    yield f"WORKDIR {quoting.path(runtime.working_dir or '/app')}"
    for port in runtime.ports:
        yield f"EXPOSE {port}"
    yield f"USER {user}"
    if runtime.stop_signal:
        yield f"STOPSIGNAL {runtime.stop_signal}"


def _command(plan: DockerfilePlan) -> Iterator[str]:
    runtime = plan.runtime
    if runtime.entrypoint is not None:
        yield f"ENTRYPOINT {quoting.array(runtime.entrypoint)}"
    elif not plan.shell:
        # What such an image starts is its own Python, which knows nothing of the environment.
        yield f"ENTRYPOINT {quoting.array([f'{VENV}/bin/python'])}"
    if runtime.cmd is not None:
        yield f"CMD {quoting.array(runtime.cmd)}"
    elif runtime.entrypoint is None and plan.shell:
        yield from comments("Nothing says what it runs: name it here.")
        yield f"CMD {quoting.array(['python'])}"
