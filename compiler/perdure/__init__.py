"""Perdure: durable workflows for PostgreSQL, compiled and type-checked."""

__version__ = "0.1.0"
