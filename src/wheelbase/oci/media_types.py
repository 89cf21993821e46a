"""The media types of manifests, configurations and layers: OCI's, and those of Docker's image manifest 2, schema 2.

Sources: OCI image specification 1.1, media-types.md; distribution's docs on Docker's manifest-v2-2.
"""

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_SCHEMA_1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)

INDEXES = frozenset((INDEX, DOCKER_INDEX))
MANIFESTS = frozenset((MANIFEST, DOCKER_MANIFEST))
CONFIGS = frozenset((CONFIG, DOCKER_CONFIG))
# What a client accepts, the most telling first, as a registry is told in a header.
ACCEPTED = (INDEX, MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST)
