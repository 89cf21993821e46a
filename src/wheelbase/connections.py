"""How servers are reached: through which proxy, by pools of kept connections. Opens connections."""

import ssl
from collections.abc import Mapping
from urllib import request
from urllib.parse import SplitResult, unquote

import urllib3

from wheelbase.errors import hide_credentials


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
    proxy: SplitResult | None, context: ssl.SSLContext, connections: int, *, block: bool
) -> urllib3.PoolManager:
    """Return a pool of this many kept connections to each server; `block` says that there are never more."""
    # urllib3 sets the context back to its own default where `cert_reqs` is not given too.
    required = "CERT_REQUIRED" if context.verify_mode == ssl.CERT_REQUIRED else "CERT_NONE"
    if required == "CERT_NONE":
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user has said so, host by host
    if proxy is None:
        return urllib3.PoolManager(maxsize=connections, block=block, ssl_context=context, cert_reqs=required)
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}" if proxy.username else None
    return urllib3.ProxyManager(
        hide_credentials(proxy.geturl()),
        proxy_headers=urllib3.make_headers(proxy_basic_auth=login) if login else None,
        maxsize=connections,
        block=block,
        ssl_context=context,
        cert_reqs=required,
    )
