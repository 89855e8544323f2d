"""Measurements: what Kanhe does in a second, and what others do in the same second.

`run` measures everything in one run and writes `results/latest.json`; `docs/benchmarks.md` says what
each figure means. `workload` makes the events, `policy` the policy pack; each measurement is a
module that can be run by itself.
"""
