"""How builds that are measured reach the user's package indexes: files for secrets, values for arguments. Writes files.

Nothing of it is in an image: secrets are mounted, arguments and certificates stay in the build stage.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wheelbase.dockerfiles.values import Secret
from wheelbase.engines.errors import EngineError
from wheelbase.index.settings import uv_project
from wheelbase.index.urls import is_remote
from wheelbase.index.values import IndexSettings
from wheelbase.measuring.values import BuilderName
from wheelbase.recipes.dockerfile import Access, user_access
from wheelbase.recipes.subject import Subject, index_settings

_TOOLS = "/opt/build-tools"
_INSTALLS = re.compile(
    r"^(?P<mounts>RUN (?:--mount=\S+ \\\n *)*)(?P<program>\S+ -m pip|\S+/uv)"
    r"(?: --python \S+)? (?:pip install|install|sync) ",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a Dockerfile declares, and what its builder is given for it."""

    access: Access
    secrets: Mapping[str, Path]
    arguments: Mapping[str, str]


def given(
    subject: Subject,
    builder: BuilderName,
    *,
    environment: Mapping[str, str],
    files: Mapping[str, Path],
    folder: Path,
) -> Given:
    """Return how builds by a builder reach the indexes; what has to be written for it goes to `folder`.

    `environment` is set for the build stage beside that, and `files` are seen by every step that installs, by the path
    in the container: EngineError for a builder that has no mounts.
    """
    if files and builder == "docker":
        raise EngineError(
            "Docker's old builder cannot show files to a build", hint="leave it out: --builder buildkit,podman,buildah"
        )
    access = user_access(subject, builder)
    settings = index_settings(subject)
    urls = _remote(settings)
    secrets: dict[str, Path] = {}
    for secret in access.secrets:
        if secret.id == "pip.conf":
            secrets[secret.id] = _written(folder / "pip.conf", _pip_conf(urls))
        elif secret.id == "uv.toml":
            secrets[secret.id] = _written(folder / "uv.toml", _uv_toml(urls))
        elif settings.certificates:
            secrets[secret.id] = Path(settings.certificates)
    logins = _urls(urls)
    values = {
        "PIP_INDEX_URL": logins[-1] if logins else "",
        "PIP_EXTRA_INDEX_URL": " ".join(logins[:-1]),
        "UV_DEFAULT_INDEX": logins[-1] if logins else "",
        "UV_INDEX": " ".join(logins[:-1]),
    }
    arguments = {name: values[name] for name in access.arguments if values.get(name)}
    shown = {f"file{number}": target for number, target in enumerate(files)}
    secrets |= {name: files[target] for name, target in shown.items()}
    access = replace(
        access,
        arguments=tuple(dict.fromkeys([*access.arguments, *environment])),
        secrets=(*access.secrets, *(Secret(id=name, target=path, steps="both") for name, path in shown.items())),
    )
    return Given(access=access, secrets=secrets, arguments=arguments | dict(environment))


def with_tools(dockerfile: str, tools: Sequence[str]) -> str:
    """Return a Dockerfile whose build stage has these packages of Python at hand, as compilers of C that pip installs.

    They come right before the requirements, in the way in which these reach the indexes, and stay in that stage, in a
    folder of their own: builds do not see them unless a variable names it.
    """
    step = _INSTALLS.search(dockerfile)
    if not tools or step is None:
        return dockerfile
    program = f"{step['program']} pip" if step["program"].endswith("/uv") else step["program"]
    made = f"{step['mounts']}{program} install --target {_TOOLS} {shlex.join(tools)}\n"
    return dockerfile[: step.start()] + made + dockerfile[step.start() :]


def _remote(settings: IndexSettings) -> IndexSettings:
    """Return the settings without places on this machine, which no container has."""

    return replace(
        settings,
        extra_index_urls=tuple(filter(is_remote, settings.extra_index_urls)),
        find_links=tuple(filter(is_remote, settings.find_links)),
        tool_uv=None,
    )


def _urls(settings: IndexSettings) -> list[str]:
    """Return the URLs of the indexes with their logins, the default last."""
    return [index["url"] for index in uv_project(settings)["index"]]


def _pip_conf(settings: IndexSettings) -> str:
    urls = _urls(settings)
    lines = ["[global]"]
    lines += [f"index-url = {urls[-1]}"] if settings.index_url else ["no-index = true"]
    extra = urls[:-1] if settings.index_url else urls
    for name, values in (
        ("extra-index-url", extra),
        ("find-links", settings.find_links),
        ("trusted-host", settings.insecure_hosts),
    ):
        lines += [f"{name} = {' '.join(values)}"] if values else []
    return "\n".join([*lines, ""])


def _uv_toml(settings: IndexSettings) -> str:
    table = {key: value for key, value in uv_project(settings).items() if not key.endswith("-proxy")}
    return "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())


def _toml(value: Any) -> str:
    """Return a value as TOML has it inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path
