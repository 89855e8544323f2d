"""Thin faces: the HTTP interface and the command line."""
