"""Whether there are certificates that TLS trusts by default."""

from __future__ import annotations

import json
import ssl
from pathlib import Path


def main() -> None:
    """Count those in the file; a folder is read as it is needed."""
    context = ssl.create_default_context()
    count = context.cert_store_stats()["x509_ca"]
    folder = ssl.get_default_verify_paths().capath
    listed = len(list(Path(folder).glob("*.0"))) if folder else 0
    trusted = max(count, listed)
    evidence = f"{trusted} certificates are trusted" if trusted else "no certificate is trusted"
    observed = {"file": count, "folder": listed}
    print(json.dumps({"verdict": "fine" if trusted else "bites", "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()
