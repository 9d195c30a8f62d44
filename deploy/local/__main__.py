"""Lets `python deploy/local` and `python -m deploy.local` be the same command."""

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - any Python may be asked to run this folder
    sys.exit("deploy/local: this Python is too old, 3.11 or newer is needed.")

if not __package__:  # started as a folder: import from the repository's root, as `-m` does
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from deploy.local.cli import main

if __name__ == "__main__":
    sys.exit(main())
