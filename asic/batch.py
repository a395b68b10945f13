"""Many jobs side by side, each in a process of its own; those that have their record already are not run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path

import psutil

from silicodec.asic.clock import default_period
from silicodec.asic.flows import job_folder
from silicodec.asic.job import Job
from silicodec.asic.layout_views import keep_layout
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.progress import OutOfTime, write_progress
from silicodec.asic.recipe import PROGRAMS, recipe
from silicodec.asic.results import RECIPE, Result, read_result, result_path, write_result
from silicodec.asic.run import check_job, find_fastest, run_job, short_temporary_folder
from silicodec.asic.seeds import run_seeds
from silicodec.asic.target import check_data
from silicodec.asic.tools import check_scheduler, check_tools, tool_versions


@dataclass(frozen=True)
class Outcome:
    """How a job ended: its result, or None and a message that says why."""

    job: Job
    result: Result | None
    message: str


def run_batch(
    jobs: Sequence[Job],
    build: Path,
    records: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    minutes: float | None = None,
    fastest: bool,
) -> Iterator[Outcome]:
    """Run jobs and write their records, each as soon as it is there.

    Parameters
    ----------
    jobs : sequence of Job
        What to run.
    build : Path
        SiliconCompiler's build folder.
    records : Path
        Folder of records.
    workers : int
        How many jobs to run at a time.
    scheduler : str, optional
        SiliconCompiler's scheduler, such as `slurm`.
    minutes : float, optional
        When to stop each layout, and to record how far it came; by default at its end.
    fastest : bool
        Whether to search the shortest clock, from the job's on.

    Yields
    ------
    Outcome
        In the order in which the jobs end.

    Raises
    ------
    MeasurementError
        Before any job begins, if a tool or the process data is missing.
    ValueError
        Before any job begins, if one cannot be run as it stands.
    """
    with short_temporary_folder():  # the first use of SiliconCompiler opens a socket
        check_scheduler(scheduler)
        for job in jobs:
            check_job(job)
            check_tools(job.flow)
        for flow in {job.flow for job in jobs}:
            check_data(flow)
    waiting = []
    for job in jobs:
        known = None if fastest else known_result(job, records)
        if known:
            yield Outcome(job, known, f"as recorded in {result_path(known, records)}")
        else:
            waiting.append(job)
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        running = {pool.submit(run_one, job, build, scheduler, minutes, fastest): job for job in waiting}
        for future in as_completed(running):
            job = running[future]
            try:
                result = future.result()
            except OutOfTime as error:
                yield Outcome(job, None, f"{error}; recorded in {write_progress(error.progress, records)}")
            except MeasurementError as error:
                yield Outcome(job, None, str(error))
            else:
                if job.flow == "layout":
                    laid_out = replace(job, period_ns=result.period_ns)
                    keep_layout(job_folder(laid_out, build), job.top, result_path(job, records).with_suffix(""))
                yield Outcome(job, result, f"recorded in {write_result(result, records)}")
    except (KeyboardInterrupt, GeneratorExit):
        # Workers would go on with the jobs that they were handed already.
        kill_workers()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def kill_workers() -> None:
    """End the processes of multiprocessing that run here, with all that they have begun."""
    for worker in active_children():
        with suppress(psutil.NoSuchProcess):
            for process in [*psutil.Process(worker.pid).children(recursive=True), worker]:
                process.kill()


@short_temporary_folder()
def run_one(job: Job, build: Path, scheduler: str | None, minutes: float | None, fastest: bool) -> Result:
    """Run a job, or search its fastest clock; either finds a clock to begin with if there is none."""
    left_to_us = job.period_ns is None
    if left_to_us:
        job = replace(job, period_ns=default_period(job))
    run = partial(run_job, folder=build, scheduler=scheduler, minutes=minutes)
    result = find_fastest(job, run) if fastest else run(job)
    result = run_seeds(job, result, build, scheduler, minutes)
    return replace(result, default_clock=left_to_us and not fastest, tools={**programs(), **result.tools})


def programs() -> dict[str, str]:
    """Return the hash of all of this package that is behind a record, under its name there."""
    return {RECIPE: recipe(*PROGRAMS, __name__)}


def known_result(job: Job, records: Path) -> Result | None:
    """Return the record of a job if there is one of the same Verilog, options and tools."""
    path = result_path(job, records)
    result = read_result(path) if path.is_file() else None
    versions = tool_versions(job.flow, signoff=job.signoff_fault is None) | programs()
    return result if result and result.is_of(job) and versions.items() <= result.tools.items() else None
