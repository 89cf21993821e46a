"""The part of the build stage that makes /opt/venv: the environment, requirements, the application. Pure."""

from collections.abc import Iterator, Sequence
from itertools import chain

from wheelbase.dockerfiles import quoting
from wheelbase.dockerfiles.lines import comments, run
from wheelbase.dockerfiles.values import DockerfilePlan, RequirementFiles, UvLock

VENV = "/opt/venv"
_TOOLS = "/opt/tools"
_UV = f"{_TOOLS}/bin/uv"
_CERTIFICATES = "/opt/certificates.pem"
_PIP_CACHE = "/root/.cache/pip"
_UV_CACHE = "/root/.cache/uv"


def workplace(plan: DockerfilePlan) -> str:
    """Return the folder in which the build stage works: that of a plain folder is copied to the image as it is."""
    return "/app" if plan.application == "folder" else "/src"


def environment(plan: DockerfilePlan) -> Iterator[str]:
    """Yield what makes the virtual environment, and brings uv where it is uv that installs."""
    for name in plan.arguments:
        yield f"ARG {quoting.shell_variable(name)}"
    if plan.certificates:
        yield from comments("Whom this stage trusts; no later stage has the file.")
        yield f"COPY {quoting.copied([plan.certificates], _CERTIFICATES)}"
    yield "ENV " + " \\\n    ".join(
        f"{quoting.variable(name)}={quoting.value(text)}" for name, text in _variables(plan).items()
    )
    python = quoting.word(plan.python)
    if plan.installer == "pip":
        yield from comments("The environment is copied to the last stage as a whole, so pip stays out of it.")
        beside = "--without-pip " if plan.pip_beside else ""
        yield f"RUN {python} -m venv {beside}{VENV}"
        return
    yield from comments("The environment is copied to the last stage as a whole; uv stays in one of its own.")
    uv = quoting.word(f"uv=={plan.installer_version}")
    made = f"{python} -m venv {'--without-pip ' if plan.pip_beside else ''}{_TOOLS}"
    yield from run(
        plan,
        "python",
        [f"{python} -m venv --without-pip {VENV}", made, f"{_pip(plan, _TOOLS)} install {uv}"],
        cache=_PIP_CACHE,
    )


def _pip(plan: DockerfilePlan, environment: str) -> str:
    if plan.pip_beside:
        return f"{quoting.word(plan.python)} -m pip --python {environment}"
    return f"{environment}/bin/python -m pip"


def _variables(plan: DockerfilePlan) -> dict[str, str]:
    """Return the variables of the build stage."""
    found = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    if not plan.mounts:
        found["PIP_NO_CACHE_DIR"] = "1"
    for secret in plan.secrets if plan.mounts else ():
        found |= secret.env
    if plan.certificates:
        found |= {"PIP_CERT": _CERTIFICATES, "SSL_CERT_FILE": _CERTIFICATES}
    if plan.installer == "uv":
        found |= {"UV_PYTHON": f"{VENV}/bin/python", "UV_PYTHON_DOWNLOADS": "never", "UV_COMPILE_BYTECODE": "1"}
        # The cache is on another file system, and a link into it would lead nowhere.
        found |= {"UV_LINK_MODE": "copy"} if plan.mounts else {"UV_NO_CACHE": "1"}
        found |= {"UV_PROJECT_ENVIRONMENT": VENV} if isinstance(plan.requirements, UvLock) else {}
    return found


def requirements(plan: DockerfilePlan) -> Iterator[str]:
    """Yield the copy of what names the requirements, and their installation."""
    match plan.requirements:
        case UvLock() as lock:
            yield from comments("Only another lock file makes this step run again, no change of the application.")
            yield f"COPY {quoting.copied(['pyproject.toml', 'uv.lock'], './')}"
            how = ["--frozen", "--no-install-workspace"] if lock.local else ["--locked", "--no-install-project"]
            yield from _install(plan, _sync(lock, how))
        case RequirementFiles() as files:
            if files.made_of:
                yield from comments(f"{files.installed[0]} was made of {files.made_of} by `wheelbase dockerfile`.")
            yield from comments("Only other requirements make this step run again, no change of the application.")
            yield from _copies(files)
            options = ["--require-hashes"] if files.hashed else []
            options += ["--no-deps"] if files.complete else []
            options += files.options
            options += [word for name in files.installed for word in ("--requirement", name)]
            options += [word for name in files.constraints for word in ("--constraint", name)]
            yield from _install(plan, options)


def _copies(files: RequirementFiles) -> Iterator[str]:
    """Yield a COPY for each folder that files come from: they keep their places, by which they name each other."""
    folders: dict[str, list[str]] = {}
    for name in files.copied:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    for folder, names in folders.items():
        yield f"COPY {quoting.copied(names, f'./{folder}/' if folder else './')}"


def application(plan: DockerfilePlan) -> Iterator[str]:
    """Yield the copy of the application, and its installation or compilation."""
    if plan.application is None:
        return
    yield from comments("The application itself comes last: a change of it leaves all steps above in the cache.")
    yield "COPY . ."
    if plan.application == "folder":
        yield from comments("A file that does not compile is no reason to stop; all may be read by whoever runs it.")
        trusted = f"rm -f {quoting.word(plan.certificates)} && " if plan.certificates else ""
        yield f"RUN {trusted}{VENV}/bin/python -m compileall -q . ; chmod -R a+rX ."
    elif isinstance(plan.requirements, UvLock):
        yield from _install(plan, _sync(plan.requirements, ["--locked", "--no-editable"]))
    else:
        yield from _install(plan, ["--no-deps", "."])


def _sync(lock: UvLock, options: Sequence[str]) -> list[str]:
    extras = chain.from_iterable(("--extra", name) for name in lock.extras)
    groups = chain.from_iterable(("--group", name) for name in lock.groups)
    return ["sync", *options, "--no-default-groups", *extras, *groups]


def _install(plan: DockerfilePlan, options: Sequence[str]) -> Iterator[str]:
    """Yield the RUN of the installer: `sync` with its options, or those of its `install`."""
    if plan.installer == "uv":
        arguments = options if options[0] == "sync" else ["pip", "install", *options]
        yield from run(plan, "python", [f"{_UV} {quoting.words(arguments)}"], cache=_UV_CACHE)
    else:
        yield from run(plan, "python", [f"{_pip(plan, VENV)} install {quoting.words(options)}"], cache=_PIP_CACHE)
