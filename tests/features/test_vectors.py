"""The journal form of a vector loses nothing."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.judge.features.vectors import pack_vector, packed_size, unpack_vector, unpack_vectors

values = st.lists(
    st.one_of(
        st.floats(allow_nan=True, allow_infinity=True),
        st.integers(-5, 70_000).map(float),
        st.just(math.nan),
    ),
    max_size=70,
)


def bits(vector: tuple[float, ...] | list[float]) -> list[bytes]:
    """Bit patterns, with every NaN and both zeros as one."""
    return [b"nan" if math.isnan(v) else struct.pack("<d", v + 0.0) for v in vector]


@given(values)
def test_a_vector_comes_back_to_the_bit(vector: list[float]) -> None:
    """Packing and unpacking gives the same float64 values, missing ones missing."""
    packed = pack_vector(vector)
    assert bits(unpack_vector(packed, len(vector))) == bits([v or 0.0 for v in vector])
    assert len(packed) <= packed_size(len(vector))


def test_counts_take_two_bytes_and_zeros_none() -> None:
    """What vectors mostly hold is what takes least room."""
    assert len(pack_vector([0.0] * 80)) == 20
    assert len(pack_vector([7.0] * 80)) == 20 + 160


def test_a_vector_of_another_length_is_refused() -> None:
    """A vector journaled under other declarations is not read as if it were one of these."""
    with pytest.raises(ValueError, match="not the vector of 5"):
        unpack_vector(pack_vector([1.0, math.pi]), 5)


@given(
    st.integers(0, 9).flatmap(
        lambda n: st.lists(
            st.one_of(
                st.lists(st.floats() | st.integers(-5, 70_000).map(float), min_size=n, max_size=n),
                st.binary(max_size=30),
            ),
            max_size=6,
        ).map(lambda rows: (n, rows))
    )
)
def test_many_at_once_are_read_as_one_by_one(drawn: tuple[int, list[list[float] | bytes]]) -> None:
    """A batch has the bits of single reading, and tells just those that single reading refuses."""
    n, rows = drawn
    packed = [row if isinstance(row, bytes) else pack_vector(row) for row in rows]
    vectors, fits = unpack_vectors(packed, n)
    assert vectors.shape == (len(rows), n)
    for one, vector, fit in zip(packed, vectors.tolist(), fits.tolist(), strict=True):
        try:
            expected = bits(unpack_vector(one, n))
        except ValueError:
            assert not fit
            assert all(math.isnan(value) for value in vector)
        else:
            assert fit
            assert bits(vector) == expected
