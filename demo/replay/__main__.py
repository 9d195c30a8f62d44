"""Runs the replay: `python -m demo.replay --papers FILE | --openalex DIR [--port N] [--clock CLOCK]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvicorn

from demo.replay.app import replay_app
from demo.replay.corpus import Corpus
from demo.replay.papers import PapersCorpus
from demo.replay.works import OpenAlexWorksCorpus
from shared.clock import open_clock
from shared.errors import LivingError


def main(arguments: list[str] | None = None) -> int:
    """Serves until interrupted; returns 2, with the reason on stderr, when the corpus cannot be read."""
    asked = _parser().parse_args(arguments)
    try:
        corpus: Corpus = PapersCorpus.load(asked.papers) if asked.papers else OpenAlexWorksCorpus(asked.openalex)
        app = replay_app(corpus, clock=open_clock(asked.clock))
    except (LivingError, OSError, ValueError) as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="info")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo.replay", description=__doc__)
    corpus = parser.add_mutually_exclusive_group(required=True)
    corpus.add_argument("--papers", type=Path, help="YAML file of bibliographic facts")
    corpus.add_argument("--openalex", type=Path, help="folder with zip files of OpenAlex works")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--clock", default="system", help="system, or file:PATH as LIVING_CLOCK has it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
