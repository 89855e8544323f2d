"""One tree for 32 rows, in instructions that take eight numbers at a time.

Where a processor has narrower ones, the compiler makes several of each.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 32
"""How many rows are taken at once. Their bits, four vectors of them, stay in registers."""
NODE_BYTES = 24
"""A split: its threshold, at which byte of the columns to look, and the leaves that are left above."""

_WIDTH = 8
_DOUBLE, _WORD, _SHORT = ir.DoubleType(), ir.IntType(64), ir.IntType(32)
_DOUBLES, _WORDS = ir.VectorType(_DOUBLE, _WIDTH), ir.VectorType(_WORD, _WIDTH)
_VECTOR_BYTES = 8 * _WIDTH


@intrinsic
def add_leaves(typing_context, nodes_at, count, columns_at, values_at, sums_at):
    """Find the leaf that each row reaches in a tree of `count` splits, and add its value to the sum
    of the row. The nodes are as in `NODE_BYTES`; a column holds a double of each row."""

    def generate(context, builder, signature, args):
        nodes_at, count, columns_at, values_at, sums_at = args
        vectors = range(LANES // _WIDTH)
        # For each row a bit for each leaf that it may still reach.
        left = [cgutils.alloca_once_value(builder, _all(_WORDS, -1)) for _ in vectors]
        with cgutils.for_range(builder, count) as loop:
            node_at = builder.add(nodes_at, builder.mul(loop.index, _WORD(NODE_BYTES)))
            threshold = _spread(builder, builder.load(_at(builder, node_at, 0, _DOUBLE)))
            column_at = builder.add(columns_at, builder.load(_at(builder, node_at, 8, _WORD)))
            keep = _spread(builder, builder.load(_at(builder, node_at, 16, _WORD)))
            for n in vectors:
                values = _load(builder, column_at, n, _DOUBLES)
                right = builder.fcmp_ordered(">", values, threshold)
                may = builder.load(left[n])
                builder.store(builder.select(right, builder.and_(may, keep), may), left[n])
        for n in vectors:
            leaf = _lowest(builder, builder.load(left[n]))
            sums = builder.fadd(
                _load(builder, sums_at, n, _DOUBLES), _pick(builder, values_at, leaf)
            )
            builder.store(sums, _at(builder, sums_at, n * _VECTOR_BYTES, _DOUBLES), align=8)
        return context.get_dummy_value()

    words = [types.int64] * 5
    return types.void(*words), generate


def _at(builder, address, offset, kind):
    """A pointer to what lies so many bytes behind an address."""
    return builder.inttoptr(builder.add(address, _WORD(offset)), kind.as_pointer())


def _load(builder, address, number, kind):
    """The vector of that number in a row of them."""
    return builder.load(_at(builder, address, number * _VECTOR_BYTES, kind), align=8)


def _all(kind, number):
    """A vector of one number again and again."""
    return ir.Constant(kind, [number] * _WIDTH)


def _spread(builder, number):
    """The same, of a number that is only known later."""
    empty = ir.Constant(ir.VectorType(number.type, _WIDTH), ir.Undefined)
    first = builder.insert_element(empty, number, _SHORT(0))
    return builder.shuffle_vector(first, empty, _all(ir.VectorType(_SHORT, _WIDTH), 0))


def _lowest(builder, words):
    """The place of the lowest bit that is set in each word."""
    bit = ir.IntType(1)
    kind = ir.FunctionType(_WORDS, [_WORDS, bit])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.cttz.v8i64")
    return builder.call(function, [words, bit(1)])


def _pick(builder, values_at, places):
    """The doubles at these places of a table (LLVM language reference, llvm.masked.gather)."""
    pointers, bits = (ir.VectorType(k, _WIDTH) for k in (_DOUBLE.as_pointer(), ir.IntType(1)))
    kind = ir.FunctionType(_DOUBLES, [pointers, _SHORT, bits, _DOUBLES])
    name = "llvm.masked.gather.v8f64.v8p0"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    at = builder.add(_spread(builder, values_at), builder.shl(places, _all(_WORDS, 3)))
    return builder.call(
        function,
        [
            builder.inttoptr(at, pointers),
            _SHORT(8),
            _all(bits, 1),
            ir.Constant(_DOUBLES, ir.Undefined),
        ],
    )
