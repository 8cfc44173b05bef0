"""`python -m tcpdw`: the command line, where its script is not on the PATH."""

from tcpdw.cli import main

main()
