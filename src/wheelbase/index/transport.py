"""With which certificates an index is reached, and which servers need none. Reads certificates."""

import os
import ssl
from collections.abc import Iterable
from pathlib import Path

import urllib3

from wheelbase.errors import PackageIndexError
from wheelbase.index.urls import split


def is_trusted(url: str, hosts: Iterable[str]) -> bool:
    """Say whether the user trusts a server whatever its certificate: `host`, `host:port` or `https://host:port`."""
    parts = split(url)
    return not {parts.hostname, parts.netloc, f"{parts.scheme}://{parts.netloc}"}.isdisjoint(hosts)


def tls_context(certificates: str | None, *, verify: bool) -> ssl.SSLContext:
    """Return what TLS connections are made with; certificates that cannot be read are an error."""
    context = urllib3.util.ssl_.create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    named = certificates or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    try:
        if named and Path(named).is_dir():
            context.load_verify_locations(capath=named)
        elif named:
            context.load_verify_locations(cafile=named)
        else:
            context.load_default_certs()
    except (OSError, ssl.SSLError) as error:
        raise PackageIndexError(
            f"the certificates in {named} cannot be read: {error.strerror or error}",
            hint="check SSL_CERT_FILE, REQUESTS_CA_BUNDLE and pip's cert",
        ) from error
    return context
