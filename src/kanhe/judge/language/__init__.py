"""The language of policy text: Python syntax, parsed and typed, never executed as it was typed.

`source` reads files into declarations and words their errors, `expression` checks a condition
against the names it may use, `codegen` turns a checked condition into Python source text of ours.
"""
