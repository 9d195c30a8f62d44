"""Gets programs from the distribution, where we may and know how."""

import os
import shutil

from deploy.local.processes import run

TEN_MINUTES = 600


def install(package: str, what: str, say) -> None:
    """Installs a Debian package if we are root on such a system; elsewhere the caller says what is missing."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    say(what, f"installing the package {package} ...")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], "Reading the package lists", TEN_MINUTES, env=quiet)
    run(
        ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", package],
        f"Installing the package {package}",
        TEN_MINUTES,
        env=quiet,
    )
