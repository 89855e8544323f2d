"""Memory as kernels see it: typed pointers, and instructions that numba does not have.

Nothing here is checked: an address that is wrong reads or writes whatever lies there.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _pointer(element):
    """An intrinsic that turns an address into a pointer to elements of this type."""

    @intrinsic
    def pointer(typing_context, address):
        def generate(context, builder, signature, args):
            target = context.get_value_type(signature.return_type)
            return builder.inttoptr(args[0], target)

        return types.CPointer(element)(types.int64), generate

    return pointer


words_at = _pointer(types.int64)
unsigned_at = _pointer(types.uint64)
doubles_at = _pointer(types.float64)
bytes_at = _pointer(types.uint8)


@intrinsic
def trailing_zeros(typing_context, word):
    """How many bits are zero below the lowest one that is set; the word must not be zero."""

    def generate(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@intrinsic
def prefetch(typing_context, address):
    """Ask the processor to bring the cache line of an address closer; never faults."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], cgutils.voidptr_t)
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # For writing, to be kept in all caches, as data (LLVM language reference, llvm.prefetch).
        builder.call(function, [pointer, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def address_of(typing_context, words):
    """The address that a pointer to words holds."""

    def generate(context, builder, signature, args):
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.int64(types.CPointer(types.int64)), generate
