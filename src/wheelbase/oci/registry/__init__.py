"""Images in registries: a client of our own on urllib3.

client          RegistrySource and Registry: what the rest of wheelbase sees
discovery       tags, referrers, manifests to be stored
blobs, uploads  blobs to be read and sent, over as many connections as it takes
session         one repository: requests with logins, redirects, tries
auth            tokens and Basic
transport       connections, proxies, certificates
errors          what refusals and broken connections mean to the user
credentials     logins of Docker and podman, and their helpers
settings        mirrors and what else the user has configured
"""

from wheelbase.oci.registry.client import Registry, RegistrySource
from wheelbase.oci.registry.settings import RegistrySettings, user_registry_settings

__all__ = ["Registry", "RegistrySettings", "RegistrySource", "user_registry_settings"]
