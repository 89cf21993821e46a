"""How a server is reached: through which proxy, with which certificates. Opens connections.

The environment's proxies go before those of pip's and uv's settings files, as in both.
"""

import os
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib import request
from urllib.parse import unquote

import urllib3

from wheelbase.errors import PackageIndexError
from wheelbase.index.urls import hide_credentials, split


def proxy_for(url: str, settings: Mapping[str, str]) -> str | None:
    """Return the proxy to ask for a URL, None where its server is asked directly."""
    parts = split(url)
    known = {**settings, **request.getproxies()}
    excepted = known.get("no") and request.proxy_bypass_environment(parts.netloc, {"no": known["no"]})  # type: ignore[attr-defined]
    if excepted or request.proxy_bypass(parts.netloc):
        return None
    proxy = known.get(parts.scheme) or known.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def is_trusted(url: str, hosts: Iterable[str]) -> bool:
    """Say whether the user trusts a server whatever its certificate: `host`, `host:port` or `https://host:port`."""
    parts = split(url)
    return not {parts.hostname, parts.netloc, f"{parts.scheme}://{parts.netloc}"}.isdisjoint(hosts)


def new_pool(proxy: str | None, context: ssl.SSLContext, connections: int) -> urllib3.PoolManager:
    """Return a pool of this many kept connections to each server."""
    # urllib3 sets the context back to its own default where `cert_reqs` is not given too.
    required = "CERT_REQUIRED" if context.verify_mode == ssl.CERT_REQUIRED else "CERT_NONE"
    if required == "CERT_NONE":
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user has said so, host by host
    if not proxy:
        return urllib3.PoolManager(maxsize=connections, block=True, ssl_context=context, cert_reqs=required)
    parts = split(proxy)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    return urllib3.ProxyManager(
        hide_credentials(proxy),
        proxy_headers=urllib3.make_headers(proxy_basic_auth=login) if login else None,
        maxsize=connections,
        block=True,
        ssl_context=context,
        cert_reqs=required,
    )


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
