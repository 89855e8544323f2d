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


BLOCK = 32
"""How many bytes the instructions below take at a time; all of them are read, whatever is used."""
_BYTES = ir.VectorType(ir.IntType(8), BLOCK)


@intrinsic
def word_at(typing_context, address):
    """The eight bytes at any address, the first one lowest."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.load(pointer, align=1)

    return types.uint64(types.int64), generate


@intrinsic
def copy_block(typing_context, target, source):
    """Copy a block from one address to another."""

    def generate(context, builder, signature, args):
        pointer = builder.inttoptr(args[0], _BYTES.as_pointer())
        builder.store(_block(builder, args[1]), pointer, align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def alike(typing_context, one, other):
    """A bit for each byte that two blocks have in common, the lowest for the first byte."""

    def generate(context, builder, signature, args):
        equal = builder.icmp_unsigned("==", _block(builder, args[0]), _block(builder, args[1]))
        return _bits(builder, equal)

    return types.uint64(types.int64, types.int64), generate


@intrinsic
def unusual(typing_context, address):
    """A bit for each byte of a block that a JSON text cannot hold as it is, or that is not ASCII.

    These are the quotation mark, the backslash, controls, and all from DEL on.
    """

    def generate(context, builder, signature, args):
        block = _block(builder, args[0])
        quote = builder.icmp_unsigned("==", block, _every(0x22))
        backslash = builder.icmp_unsigned("==", block, _every(0x5C))
        # What is below a space wraps around to the other end.
        outside = builder.icmp_unsigned(">=", builder.sub(block, _every(0x20)), _every(0x7F - 0x20))
        return _bits(builder, builder.or_(builder.or_(quote, backslash), outside))

    return types.uint64(types.int64), generate


def _block(builder, address):
    """Load the block at an address."""
    return builder.load(builder.inttoptr(address, _BYTES.as_pointer()), align=1)


def _every(byte):
    """A block of one byte again and again."""
    return ir.Constant(_BYTES, [byte] * BLOCK)


def _bits(builder, truths):
    """A truth for each byte as one word."""
    return builder.zext(builder.bitcast(truths, ir.IntType(BLOCK)), ir.IntType(64))
