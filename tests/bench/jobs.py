#!/usr/bin/env python3
"""What --jobs brings and costs: the first push of small files to a server that is so many ms away
(far.c), with numbers of jobs that take turns. Prints the medians, and as ratios to the default number
the wall time, the CPU time and the peak of resident memory. The server has no limit of its own,
so more jobs are always faster in wall time: look at how much, and at what price."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from one_round import Failed, clean_environment, run_counted  # noqa: E402

DEFAULT = 64
KEY = "Zm9yIGEgc2VydmVyIHRoYXQgY2hlY2tzIG5vdGhpbmc="
MEASURES = ("wall_s", "cpu_s", "peak_mib")


def numbers(text):
    return [int(part) for part in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(
        prog="dev bench jobs", description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter)
    # ./dev gives these two.
    parser.add_argument("--far", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--devlog", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3, help="how often (default: %(default)s)")
    parser.add_argument("--files", type=int, default=2000,
                        help="files of 1,024 bytes (default: %(default)s)")
    parser.add_argument("--ms", type=numbers, default=[2, 20, 100],
                        help="round trips, in ms (default: 2,20,100)")
    parser.add_argument("--jobs", type=numbers, default=[8, 16, 32, 64, 128],
                        help=f"numbers of jobs; {DEFAULT} is always one (default: 8,16,...,128)")
    options = parser.parse_args()
    if options.rounds < 1 or options.files < 1 or min(options.ms + options.jobs) < 1:
        parser.error("at least 1 of each")
    options.jobs = sorted(set(options.jobs + [DEFAULT]))
    return options


class Bench:
    def __init__(self, options, work):
        self.options = options
        self.work = work
        self.env = clean_environment(work) | {"AZURE_STORAGE_KEY": KEY}
        events = work / "log" / "events"
        events.mkdir(parents=True)
        for number in range(options.files):
            (events / f"{number:06}.jsonl").write_bytes(os.urandom(1024))
        os.sync()
        self.pushes = 0

    def push(self, port, jobs):
        self.pushes += 1
        state = self.work / f"state-{self.pushes}"
        command = [str(self.options.devlog.resolve()), "push", "--quiet", "--dir",
                   str(self.work / "log"), "--to", f"http://127.0.0.1:{port}/bench/jobs",
                   "--jobs", str(jobs)]
        cost, _ = run_counted(command, self.env | {"XDG_STATE_HOME": str(state)}, self.work)
        return cost

    def at_distance(self, ms):
        """Gives {jobs: [costs of each round]}."""
        found = {jobs: [] for jobs in self.options.jobs}
        with subprocess.Popen(["setpriv", "--pdeathsig", "KILL", str(self.options.far.resolve()),
                               str(ms)], stdout=subprocess.PIPE) as far:
            try:
                line = far.stdout.readline().split()
                if len(line) != 2 or line[0] != b"port":
                    raise Failed("far does not start")
                for number in range(self.options.rounds):
                    first = number % len(self.options.jobs)
                    for jobs in self.options.jobs[first:] + self.options.jobs[:first]:
                        found[jobs].append(self.push(int(line[1]), jobs))
            finally:
                far.kill()
        return found


def show(ms, found):
    middle = {jobs: [statistics.median(cost[measure] for cost in costs) for measure in MEASURES]
              for jobs, costs in found.items()}
    for jobs, values in middle.items():
        ratios = [value / base for value, base in zip(values, middle[DEFAULT])]
        print(f"{ms:5} {jobs:5} " + " ".join(f"{value:9.3f}" for value in values) + "  "
              + " ".join(f"{ratio:9.2f}" for ratio in ratios), flush=True)


def main():
    options = arguments()
    print(f"{options.files:,} files of 1,024 bytes, medians of {options.rounds} rounds;"
          f" {os.cpu_count()} CPUs, which the server shares; load average before:"
          f" {os.getloadavg()[0]:.2f}")
    print(f"{'':12}{'':30} {f'ratios to those of {DEFAULT} jobs':>31}")
    print(f"{'ms':>5} {'jobs':>5} {'wall s':>9} {'CPU s':>9} {'peak MiB':>9}  {'wall':>9}"
          f" {'CPU':>9} {'peak':>9}")
    with tempfile.TemporaryDirectory(prefix="devlog-bench-") as work:
        bench = Bench(options, Path(work))
        for ms in options.ms:
            try:
                show(ms, bench.at_distance(ms))
            except Failed as failed:
                sys.exit(f"bench: {failed}")


main()
