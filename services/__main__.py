"""`python -m services` is `living`."""

from services.cli import main

main()
