"""`python -m wheelbase`."""

from wheelbase.cli import main

main()
