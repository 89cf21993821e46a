"""What a registry's refusals, and connections that fail, mean to the user: one message and one way out each. Pure.

No message shows a password, a token, or the query of an URL, which may be a signature.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec
import urllib3

from wheelbase.connections import is_passing
from wheelbase.oci.errors import ImageError, MissingError
from wheelbase.oci.registry.credentials import Login

_LONGEST_REMARK = 300


class TransientError(ImageError):
    """Another try may succeed; `wait` is how many seconds the server wants to be left alone, where it says so."""

    wait: float | None = None


class NoTlsError(ImageError):
    """The server speaks something else than TLS, most likely plain HTTP."""


class _Fault(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Faults(msgspec.Struct):
    errors: list[_Fault] = []


def shown(url: str) -> str:
    """Return an URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def remark(body: bytes, hide: Callable[[str], str]) -> str:
    """Return what the body of a refusal says, on one line and without secrets; empty if it is not in the usual form."""
    try:
        faults = msgspec.json.decode(body, type=_Faults).errors
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return ""
    said = "; ".join(f"{fault.code} {fault.message}".strip() for fault in faults[:3])
    return re.sub(r"[^\x20-\x7e]+", " ", hide(said))[:_LONGEST_REMARK].strip()


def refusal(status: int, host: str, what: str, said: str, login: Login) -> ImageError:
    """Return the error for a status that is no success, to a request for `what` with a login."""
    reply = f"{host} answers {status} to {what}" + (f" ({said})" if said else "")
    log_in = f"`docker login {host}` or `podman login {host}`"
    if status == 401:
        whose = "it wants a login, or there is no such repository" if login.anonymous else "it does not take the login"
        why = f"{whose} ({login.remark})" if login.remark else whose
        return ImageError(f"{reply}: {why}", hint=f"check the name, then log in: {log_in}")
    if status == 403:
        whose = login.remark or "whoever is not logged in"
        return ImageError(f"{reply}: {whose} may not do this", hint=f"ask for the right to, or log in: {log_in}")
    if status == 404:
        return _missing(host, what, said)
    if status == 429:
        hint = "wait a while" + (f"; who is logged in may ask more often: {log_in}" if login.anonymous else "")
        return TransientError(f"{reply}: it was asked too often", hint=hint)
    if status in (500, 502, 503, 504):
        return TransientError(reply, hint="the registry may be down: try again later")
    if status == 415 or "MANIFEST_INVALID" in said:
        return ImageError(f"{reply}: it does not take manifests of this kind", hint="a newer registry may")
    return ImageError(reply, hint="the registry, or a proxy before it, does not take this request: ask who runs it")


def _missing(host: str, what: str, said: str) -> MissingError:
    if "NAME_UNKNOWN" in said:
        return MissingError(f"{host} does not have the repository of {what}", hint="check the name of the repository")
    kind = "the tag or the digest" if "manifest" in what else "the name"
    return MissingError(
        f"{host} does not have {what}" + (f" ({said})" if said else " (404)"),
        hint=f"check {kind}, and that {host} is a registry",
    )


def unreachable(host: str, error: BaseException) -> ImageError:
    """Return the error for a request that got no answer, or one that broke off."""
    host, said = host.rpartition("@")[2], _cause(error)
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        cause = error.__cause__
        again = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN
        message = f"{host} is not found: {cause.strerror if isinstance(cause, socket.gaierror) else said}"
        hint = "check the name of the registry, the network, and HTTPS_PROXY"
        return (TransientError if again else ImageError)(message, hint=hint)
    if isinstance(error, urllib3.exceptions.ProxyError):
        return TransientError(f"{host} cannot be reached through the proxy: {said}", hint="check HTTPS_PROXY, NO_PROXY")
    if "WRONG_VERSION_NUMBER" in said or "record layer failure" in said:
        hint = f"if it is to be asked in the clear, set WHEELBASE_INSECURE_REGISTRIES={host}"
        return NoTlsError(f"{host} does not speak TLS", hint=hint)
    if isinstance(error, urllib3.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in said:
        file = f"/etc/docker/certs.d/{host}/ca.crt"
        hint = f"name your organisation's certificates with SSL_CERT_FILE, or put them at {file}"
        return ImageError(f"the certificate of {host} is not trusted: {said}", hint=hint)
    if isinstance(error, urllib3.exceptions.SSLError) and "ALERT" in said and not is_passing(error):
        hint = f"if it wants a client's certificate, put it at /etc/docker/certs.d/{host}/client.cert and client.key"
        return ImageError(f"{host} refuses the connection: {said}", hint=hint)
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)  # which urllib3 counts among timeouts
    if isinstance(error, urllib3.exceptions.TimeoutError) and not refused:
        return TransientError(f"{host} does not answer in time: {said}", hint="check the network; try again later")
    return TransientError(
        f"the connection to {host} failed: {said}", hint="check the name and port of the registry, and the network"
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds, or those until the date, that a server asks to be left alone (RFC 9110, 10.2.3)."""
    stated = headers.get("Retry-After")
    try:
        return max(urllib3.Retry().parse_retry_after(stated), 0.0) if stated else None
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


def _cause(error: BaseException) -> str:
    """Return what went wrong, without the names of objects that urllib3 puts before it."""
    said = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    cause = re.sub(r"^(HTTPS?Connection\w*\([^)]*\)|<[^>]*>): ", "", said)
    return re.sub(r"\s+", " ", cause)[:_LONGEST_REMARK] or type(error).__name__
