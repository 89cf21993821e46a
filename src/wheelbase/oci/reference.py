"""References to images, as Docker, podman and skopeo spell them: parsed and printed. Pure.

Sources: distribution's reference package (names, tags, Docker's defaults), containers-transports(5) for the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError

# Docker's defaults for short names: the only place that knows them. It is the word that stands in references; where it
# is served from is for the registry client.
DEFAULT_DOMAIN = "docker.io"
_OTHER_DEFAULT_DOMAINS = ("index.docker.io",)
_TRANSPORTS = ("oci", "oci-archive", "docker-archive", "docker-daemon")
_DEFAULT_FOLDER = "library/"
_DEFAULT_TAG = "latest"
_LONGEST_NAME = 255

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::\d{{1,5}})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IMAGE_ID = re.compile(r"[a-f0-9]{64}")
_ALPHANUMERIC = r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
_REF_NAME = re.compile(rf"{_ALPHANUMERIC}(?:/{_ALPHANUMERIC})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryReference:
    """An image in a registry. `domain` may have a port; a tag or a digest is always there.

    Where both are, the digest says which image it is, and the tag is a remark.
    """

    domain: str
    repository: str
    tag: str | None
    digest: Digest | None = None

    def __str__(self) -> str:
        """Return the name as Docker prints it: without its defaults, but always with the tag."""
        name = f"{self.domain}/{self.repository}"
        if self.domain == DEFAULT_DOMAIN:
            short = self.repository.removeprefix(_DEFAULT_FOLDER)
            short = self.repository if "/" in short else short
            # Some short names would mean something else.
            ambiguous = _begins_with_domain(short) or _IMAGE_ID.fullmatch(short) or short in _TRANSPORTS
            name = name if ambiguous else short
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReference:
    """An image in a folder or a file; `name` may be None where there is but one, or one without a name."""

    kind: Literal["oci", "oci-archive", "docker-archive"]
    path: str
    name: str | None = None

    def __str__(self) -> str:
        """Return `kind:path` or `kind:path:name`."""
        return f"{self.kind}:{self.path}" + (f":{self.name}" if self.name else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonReference:
    """An image that an engine keeps, by its name or by its ID, the digest of its configuration."""

    name: str

    def __str__(self) -> str:
        """Return `docker-daemon:name`."""
        return f"docker-daemon:{self.name}"


Reference = RegistryReference | FileReference | DaemonReference


def parse_reference(text: str) -> Reference:
    """Return what a text refers to; ImageError where it is no reference."""
    kind, colon, rest = text.partition(":")
    match kind if colon else "":
        case "docker" if rest.startswith("//"):
            return parse_name(rest[2:])
        case "docker-daemon":
            return DaemonReference(name=_daemon_name(rest))
        case "oci" | "oci-archive" | "docker-archive" as archive:
            path, named, name = rest.partition(":")
            if not path or (named and not name) or "\0" in path:
                _refuse(text, f"write {archive}:PATH or {archive}:PATH:NAME")
            return FileReference(kind=archive, path=path, name=_name_in_file(archive, name) if name else None)
    return parse_name(text)


def parse_name(text: str) -> RegistryReference:
    """Return the image of a registry that a name without a transport names, with Docker's defaults."""
    rest, at, digest_text = text.partition("@")
    digest = Digest.parse(digest_text) if at else None
    name, tag = rest, None
    if ":" in rest.rpartition("/")[2]:
        name, _, tag = rest.rpartition(":")
        if not _TAG.fullmatch(tag):
            _refuse(text, "a tag has letters, digits, dots, hyphens and underscores, at most 128")
    domain, _, repository = name.partition("/")
    if not _begins_with_domain(name):
        domain, repository = DEFAULT_DOMAIN, name
    elif domain in _OTHER_DEFAULT_DOMAINS:
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in repository:
        repository = _DEFAULT_FOLDER + repository
    if not (_DOMAIN.fullmatch(domain) and _REPOSITORY.fullmatch(repository)):
        _refuse(text, "write NAME:TAG, as python:3.13-slim; names of repositories are in lower case")
    if len(domain) + 1 + len(repository) > _LONGEST_NAME:
        _refuse(text, f"the name of a repository has at most {_LONGEST_NAME} characters")
    if _IMAGE_ID.fullmatch(name):
        _refuse(text, "an image ID names an image in an engine: docker-daemon:sha256:ID")
    return RegistryReference(
        domain=domain, repository=repository, tag=tag if tag or digest else _DEFAULT_TAG, digest=digest
    )


def _begins_with_domain(name: str) -> bool:
    first, slash, _ = name.partition("/")
    return bool(slash) and (bool(set(".:") & set(first)) or first == "localhost" or first != first.lower())


def _daemon_name(text: str) -> str:
    """Return the name in an engine as Docker prints it, or an ID."""
    if re.match(r"sha256:", text):
        return str(Digest.parse(text))
    return str(parse_name(text))


def _name_in_file(kind: str, text: str) -> str:
    """Return the name that an image has within a folder or an archive."""
    if kind == "docker-archive":
        reference = parse_name(text)
        if reference.digest:
            _refuse(text, "an archive of Docker's keeps names with a tag, and no digests")
        return str(reference)
    if not _REF_NAME.fullmatch(text):
        _refuse(text, "a name in an OCI layout has letters, digits and single separators -._:@+/ between them")
    return text


def _refuse(text: str, hint: str) -> NoReturn:
    raise ImageError(f"{text[:300]!r} is no reference to an image", hint=hint)
