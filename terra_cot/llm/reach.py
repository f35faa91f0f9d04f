"""Whether anybody listens at an address: told in a second before the first request, not after all its retries."""

from __future__ import annotations

import errno
import os
import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_LONGEST_S = 5.0


def nobody_at(url: str) -> str | None:
    """Why no request to `url` can arrive: nothing listens, or nobody knows the name. None where one may arrive.

    Only these two are sure; a silent or broken line may mend, and is left to the retries of a request. Behind a proxy
    the name is for the proxy to look up, so nothing is said.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies()
    if (proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(host):
        return None
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        socket.create_connection((host, port), timeout=_LONGEST_S).close()
    except ConnectionRefusedError as error:
        return f"nothing listens there ({os.strerror(error.errno or errno.ECONNREFUSED)})"
    except socket.gaierror as error:
        return f"nobody knows the name {host} ({error.strerror})"
    except (OSError, KeyError):
        return None
    return None
