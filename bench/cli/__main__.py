"""`python -m bench.cli`: the command, by this interpreter and no other."""

from bench.cli import main

main(prog_name="smets1-bench")
