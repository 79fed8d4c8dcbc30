"""The IR: a workflow with every name bound and a type on everything.

Its canonical JSON gives the digest of a version; see `perdure.ir.digest`.
"""
