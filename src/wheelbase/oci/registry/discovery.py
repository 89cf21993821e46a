"""What a repository holds: its tags, and what refers to an image. Talks to the network.

Source: OCI distribution specification 1.1, "Listing tags", "Listing referrers", "Referrers tag schema".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from wheelbase.oci import media_types
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.manifest import MAX_MANIFEST, Descriptor, ImageIndex, Manifest, RawManifest, encode, parse_manifest
from wheelbase.oci.registry.session import Answer, Ask, Session, registry_path

_MOST_PAGES = 1000
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,]*\brel="?next\b')
_LONGEST_HEX = 64


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


def list_tags(session: Session, what: str) -> list[str]:
    """Return the tags of a repository, in the registry's order."""
    found: list[str] = []
    for answer in _pages(session, "tags/list?n=1000", f"the tags of {what}", (200,)):
        try:
            found += msgspec.json.decode(answer.body, type=_Tags).tags or ()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ImageError(
                f"{session.endpoint.registry} sends no tags of {what} that can be read", hint="is it a registry?"
            ) from error
    return found


def list_referrers(session: Session, digest: Digest, artifact_type: str | None, what: str) -> tuple[Descriptor, ...]:
    """Return what refers to a manifest, of one type or of all: by the referrers API, or by the tag that stands for it.

    Nothing is verified but the form: a manifest that is listed is verified when it is read.
    """
    target, named = f"referrers/{digest}", f"the referrers of {digest} in {what}"
    found: list[Descriptor] = []
    for answer in _pages(session, target, named, (200, 404, 400, 405)):
        if answer.status != 200 or media_types.INDEX not in answer.headers.get("Content-Type", ""):
            found += _tagged(session, digest, named)
        else:
            found += _listed(answer, named)
    return tuple(one for one in found if artifact_type in (None, one.artifact_type))


def tag_referrer(session: Session, raw: RawManifest, parsed: Manifest | ImageIndex, what: str) -> None:
    """List a manifest under the tag of its subject, for a registry without the referrers API.

    The specification has no lock for this tag: of two clients that write at the same moment one may be overlooked.
    """
    assert parsed.subject
    named = f"the referrers of {parsed.subject.digest} in {what}"
    listed = [one for one in _tagged(session, parsed.subject.digest, named) if one.digest != raw.digest]
    kind = parsed.artifact_type
    if isinstance(parsed, Manifest):
        kind = kind or parsed.config.media_type
    listed.append(replace(raw.descriptor(), artifact_type=kind, annotations=parsed.annotations))
    index = encode(ImageIndex(media_type=media_types.INDEX, manifests=tuple(listed)))
    put_manifest(session, referrers_tag(parsed.subject.digest), index, named)


def put_manifest(session: Session, reference: str, raw: RawManifest, what: str) -> Answer:
    """Store a manifest under a tag or its digest."""
    headers = {"Content-Type": raw.media_type}
    target = f"manifests/{registry_path(reference)}"
    return session.ask(
        Ask(method="PUT", target=target, what=what, accept=(200, 201, 202), headers=headers, body=raw.body)
    )


def referrers_tag(digest: Digest) -> str:
    """Return the tag that lists what refers to a manifest."""
    return f"{digest.algorithm[:32]}-{digest.hex[:_LONGEST_HEX]}"


def _tagged(session: Session, digest: Digest, what: str) -> tuple[Descriptor, ...]:
    target, headers = f"manifests/{referrers_tag(digest)}", {"Accept": media_types.INDEX}
    answer = session.ask(
        Ask(method="GET", target=target, what=what, accept=(200, 404), headers=headers), limit=MAX_MANIFEST
    )
    return _listed(answer, what) if answer.status == 200 else ()


def _listed(answer: Answer, what: str) -> tuple[Descriptor, ...]:
    parsed = parse_manifest(RawManifest(body=answer.body, media_type=media_types.INDEX), what)
    return parsed.manifests if isinstance(parsed, ImageIndex) else ()


def _pages(session: Session, target: str, what: str, accept: tuple[int, ...]) -> Iterator[Answer]:
    """Yield an answer, and those to which each one's Link header leads."""
    for _ in range(_MOST_PAGES):
        answer = session.ask(Ask(method="GET", target=target, what=what, accept=accept), limit=MAX_MANIFEST)
        yield answer
        link = _NEXT.search(answer.headers.get("Link", ""))
        if not link:
            return
        target = session.url(link[1], answer.url)
    raise ImageError(
        f"{session.endpoint.registry} sends {what} on more than {_MOST_PAGES} pages", hint="ask who runs the registry"
    )
