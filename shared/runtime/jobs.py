"""The job runner of a running service: scheduled work, in one process at a time."""

from __future__ import annotations

import time
from threading import Lock

import structlog

from shared import counters, logging
from shared.bus.judging import is_down, reason_of
from shared.db.engine import Database
from shared.service import Context, Job

log = logging.get(__name__)

_SECONDS = counters.durations("living_job_seconds", "How long a job took.", ["service", "job", "ended"])


class JobRunner:
    """Runs a service's jobs while this process leads in them, which need not be the one whose relay leads."""

    def __init__(self, database: Database) -> None:
        self.leading = False
        self._leadership, self._lock = database.leadership("jobs"), Lock()
        self._trouble: dict[str, str] = {}

    def run(self, job: Job, running: Context) -> None:
        """Runs a job if this process leads; an error is told, and the job runs again at its next time."""
        if running.stopping.is_set():
            return
        with structlog.contextvars.bound_contextvars(service=running.service.name, job=job.name):
            try:
                if self.lead():
                    self._run(job, running)
            except Exception as error:
                self._tell(f"job {job.name}", error)
            else:
                self._trouble.pop(f"job {job.name}", None)

    def _tell(self, job: str, error: Exception) -> None:
        """What is down is told once for each reason; anything else, being a fault of ours, whenever it is met."""
        reason = reason_of(error)
        if not is_down(error):
            log.exception("job failed")
        elif self._trouble.get(job) != reason:
            log.warning("job waits", why=reason)
        self._trouble[job] = reason

    def _run(self, job: Job, running: Context) -> None:
        began, ended = time.perf_counter(), "failed"
        try:
            job.run(running)
            ended = "well"
        finally:
            _SECONDS.labels(running.service.name, job.name, ended).observe(time.perf_counter() - began)

    def lead(self) -> bool:
        """Takes the right to run jobs, or checks that it is still held."""
        with self._lock:
            try:
                self.leading = self._leadership.hold()
            except Exception:
                self.leading = False
                raise
            return self.leading

    def health(self) -> dict[str, str]:
        """What is wrong with a job, by its name."""
        return dict(self._trouble)

    def close(self) -> None:
        with self._lock:
            self.leading = False
            self._leadership.release()
