"""A registry and a token server in memory, for a `FaultServer` to serve."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from tests.faulty_registry import Asked, Reply, refusal, sha256

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class MemoryRegistry:
    """A registry as the distribution specification has it. `check` may refuse a request."""

    def __init__(self) -> None:
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.uploads: dict[str, bytearray] = {}
        self.check: Callable[[Asked], Reply | None] = lambda asked: None
        self.has_referrers = True
        self.has_ranges = True
        self.loses_parts = False

    def add_manifest(self, repository: str, tag: str, body: bytes, kind: str = MANIFEST) -> str:
        for name in (tag, sha256(body)):
            self.manifests[repository, name] = (kind, body)
        return sha256(body)

    def add_blob(self, repository: str, body: bytes) -> str:
        self.blobs[repository, sha256(body)] = body
        return sha256(body)

    def __call__(self, asked: Asked) -> Reply:
        if refused := self.check(asked):
            return refused
        path = urlsplit(asked.path).path
        for pattern, handler in (
            (r"/v2/", lambda asked: Reply()),
            (r"/v2/(.+)/manifests/([^/]+)", self._manifest),
            (r"/v2/(.+)/blobs/(sha\w+:\w+)", self._blob),
            (r"/v2/(.+)/blobs/uploads/", self._begin),
            (r"/v2/(.+)/blobs/uploads/(\w+)", self._upload),
            (r"/v2/(.+)/tags/list", self._tags),
            (r"/v2/(.+)/referrers/(.+)", self._referrers),
        ):
            if match := re.fullmatch(pattern, path):
                return handler(asked, *match.groups())
        return refusal(404, "UNSUPPORTED")

    def _manifest(self, asked: Asked, repository: str, name: str) -> Reply:
        if asked.method == "PUT":
            self.add_manifest(repository, name, asked.body, asked.headers["Content-Type"])
            subject = json.loads(asked.body).get("subject") if self.has_referrers else None
            more = {"OCI-Subject": subject["digest"]} if subject else {}
            return Reply(201, b"", {"Docker-Content-Digest": sha256(asked.body), **more})
        if (repository, name) not in self.manifests:
            return refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        kind, body = self.manifests[repository, name]
        return Reply(200, body, {"Content-Type": kind, "Docker-Content-Digest": sha256(body)})

    def _blob(self, asked: Asked, repository: str, digest: str) -> Reply:
        if (repository, digest) not in self.blobs:
            return refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        body = self.blobs[repository, digest]
        stated = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("Range", ""))
        if not stated or not self.has_ranges:
            return Reply(200, body)
        start, end = int(stated[1]), int(stated[2] or len(body) - 1)
        if start >= len(body):
            return Reply(416)
        part = body[start : end + 1]
        return Reply(206, part, {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(body)}"})

    def _begin(self, asked: Asked, repository: str) -> Reply:
        digest, other = asked.query.get("mount", ""), asked.query.get("from", "")
        if (other, digest) in self.blobs:
            self.blobs[repository, digest] = self.blobs[other, digest]
            return Reply(201)
        name = secrets.token_hex(8)
        self.uploads[name] = bytearray()
        return Reply(202, b"", {"Location": f"/v2/{repository}/blobs/uploads/{name}?state=x"})

    def _upload(self, asked: Asked, repository: str, name: str) -> Reply:
        if name not in self.uploads:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN")
        data = self.uploads[name]
        headers = {"Location": asked.path.partition("&digest")[0], "Range": f"0-{max(0, len(data) - 1)}"}
        if asked.method == "DELETE":
            del self.uploads[name]
            return Reply(204)
        if asked.method == "GET":
            return Reply(204, b"", headers)
        stated = asked.headers.get("Content-Range", f"{len(data)}-")
        if int(stated.partition("-")[0]) != len(data) or (data and self.loses_parts):
            return refusal(416, "RANGE_INVALID", **{k: v for k, v in headers.items() if k == "Location"})
        data += asked.body
        if asked.method == "PATCH":
            return Reply(202, b"", headers | {"Range": f"0-{len(data) - 1}"})
        if sha256(bytes(data)) != asked.query["digest"]:
            return refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        self.blobs[repository, asked.query["digest"]] = bytes(data)
        del self.uploads[name]
        return Reply(201)

    def _tags(self, asked: Asked, repository: str) -> Reply:
        tags = sorted(name for of, name in self.manifests if of == repository and ":" not in name)
        start = tags.index(asked.query["last"]) + 1 if "last" in asked.query else 0
        page = tags[start : start + 2]
        link = f'</v2/{repository}/tags/list?last={page[-1]}&n=2>; rel="next"' if start + 2 < len(tags) else ""
        body = json.dumps({"name": repository, "tags": page or None}).encode()
        return Reply(200, body, {"Link": link} if link else {})

    def _referrers(self, asked: Asked, repository: str, digest: str) -> Reply:
        if not self.has_referrers:
            return Reply(404, b"404 page not found")
        found = [
            {"mediaType": kind, "digest": name, "size": len(body), "artifactType": json.loads(body)["artifactType"]}
            for (of, name), (kind, body) in self.manifests.items()
            if of == repository and ":" in name and json.loads(body).get("subject", {}).get("digest") == digest
        ]
        body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": found}).encode()
        return Reply(200, body, {"Content-Type": INDEX})


class TokenServer:
    """Gives tokens for a login, an identity token, or to anybody where neither is set; they are for one registry."""

    def __init__(self, login: str = "", identity_token: str = "") -> None:
        self.login, self.identity_token = login, identity_token
        self.valid: dict[str, str] = {}
        self.asked: list[Asked] = []
        self.extra: dict[str, object] = {}

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self.identity_token:
            form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
            if asked.method != "POST" or form.get("refresh_token") != self.identity_token:
                return refusal(401, "UNAUTHORIZED")
            return self._token(form["scope"])
        basic = "Basic " + base64.b64encode(self.login.encode()).decode()
        if self.login and asked.headers.get("Authorization") != basic:
            return refusal(401, "UNAUTHORIZED", f"got {asked.headers.get('Authorization')}")
        return self._token(" ".join(parse_qs(urlsplit(asked.path).query).get("scope", [])))

    def _token(self, scope: str) -> Reply:
        token = secrets.token_urlsafe(16)
        self.valid[token] = scope
        return Reply(200, json.dumps({"token": token, **self.extra}).encode())

    def guard(self, url: str) -> Callable[[Asked], Reply | None]:
        """What a registry checks whose tokens come from here."""

        def check(asked: Asked) -> Reply | None:
            match = re.match(r"/v2/(.+?)/(?:manifests|blobs|tags|referrers)/", asked.path)
            actions = "pull" if asked.method in ("GET", "HEAD") else "pull,push"
            scope = f"repository:{match[1]}:{actions}" if match else ""
            token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
            if token in self.valid and scope.removesuffix("pull,push").removesuffix("pull") in self.valid[token]:
                return None
            challenge = f'Bearer realm="{url}/token",service="here",scope="{scope}"'
            return refusal(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate=challenge)

        return check
