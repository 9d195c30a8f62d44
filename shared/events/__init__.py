"""Events: the facts services tell each other. One file a producer; `registry` knows them all."""
