"""Container images after the OCI specifications: values, and the places that they are kept in.

    digest, platform, media_types     the words
    manifest, config, image           values parsed at the border, with the bytes that they were parsed from
    reference                         python:3.13-slim, oci:PATH, ... as skopeo and podman spell them
    places                            Source and Sink: what every place is to the rest; blobs verified as they stream by
    layout, archive, docker_archive, daemon, registry       places
    opening                           reference -> place
    copying                           image -> image, from place to place
    blobfolder, store                 blobs in folders; those of the user's cache
    compression, layers, estargz, tree      what is in an image's file system
    layerwriter, assembly, publishing       an image made, and brought to places while it is

Nothing here knows of Python packaging.
"""
