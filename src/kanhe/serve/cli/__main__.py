"""`python -m kanhe.serve.cli`: the command line, where the script `kanhe` is not on the path."""

from kanhe.serve.cli import main

main()
