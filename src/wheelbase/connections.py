"""How servers are reached: through which proxy, by pools of kept connections. Opens connections."""

import ssl
from collections.abc import Mapping
from typing import Any
from urllib import request
from urllib.parse import SplitResult, unquote

import urllib3

from wheelbase.errors import hide_credentials

# What a server says that will say so again: of certificates, and of what both sides speak.
_FINAL_ALERTS = (
    "CERTIFICATE",
    "UNKNOWN_CA",
    "ACCESS_DENIED",
    "HANDSHAKE_FAILURE",
    "PROTOCOL_VERSION",
    "INSUFFICIENT_SECURITY",
)


def proxy_for(parts: SplitResult, settings: Mapping[str, str]) -> str | None:
    """Return the proxy to ask for a URL, None where its server is asked directly.

    The proxies of the environment, or the system, go before those of `settings`.
    """
    known = {**settings, **request.getproxies()}
    excepted = known.get("no") and request.proxy_bypass_environment(parts.netloc, {"no": known["no"]})  # type: ignore[attr-defined]
    if excepted or request.proxy_bypass(parts.netloc):
        return None
    proxy = known.get(parts.scheme) or known.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def new_pool(
    proxy: SplitResult | None, context: ssl.SSLContext | None, connections: int, *, block: bool
) -> urllib3.PoolManager:
    """Return a pool of this many kept connections to each server; `block` says that there are never more.

    `context` is for TLS, None where neither the servers nor the proxy speak it.
    """
    options: dict[str, Any] = {"maxsize": connections, "block": block}
    if context:
        # urllib3 sets the context back to its own default where `cert_reqs` is not given too.
        required = "CERT_REQUIRED" if context.verify_mode == ssl.CERT_REQUIRED else "CERT_NONE"
        options |= {"ssl_context": context, "cert_reqs": required}
        if required == "CERT_NONE":
            # The user has said so, host by host.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    if proxy is None:
        return urllib3.PoolManager(**options)
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}" if proxy.username else None
    headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    return urllib3.ProxyManager(hide_credentials(proxy.geturl()), proxy_headers=headers, **options)


def is_passing(error: BaseException) -> bool:
    """Say whether TLS failed as it may not on another try: it broke off, or an alert blames the bytes that came.

    Proxies on the way are known to cause such alerts. Never so where a certificate was refused, by either side.
    """
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    said = str(cause)
    if not isinstance(cause, urllib3.exceptions.SSLError) or any(alert in said for alert in _FINAL_ALERTS):
        return False
    return any(word in said for word in ("_ALERT_", "UNEXPECTED_EOF", "closed (EOF)"))
