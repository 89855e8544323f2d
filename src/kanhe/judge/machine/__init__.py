"""The machine below: how kernels are compiled, and how they reach memory.

`compiling` gives numba's compiler with a cache that knows all sources of a kernel, `memory` the
pointers and instructions that numba itself does not have.
"""
