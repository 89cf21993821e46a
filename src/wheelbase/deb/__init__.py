"""A base image out of nothing but Debian's packages, of any architecture on any machine.

source         the way in: mirror, signed indices, closure, layers
chosen         what a base is made of, as a lock file keeps it
mirrors        where packages come from
"""
