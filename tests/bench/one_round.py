#!/usr/bin/env python3
"""One round of the bench: each program once in each case, against the server that
tests/support/azurite.sh has started. Takes a JSON object of settings (see bench.py), writes one of
results to the file `result` of it: {case: {program: {"cpu_s", "wall_s", ..}}}.

What is counted is the whole process, from its start to its end: wall time, and user and system
time as the kernel gives them for the child that ended."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

SUPPORT = Path(__file__).resolve().parent.parent / "support"
FAULTS = SUPPORT.parent / "fault" / "server.py"
PROGRAMS = ("floor", "devlog", "rclone")


class Failed(Exception):
    """A program did not do its work; the text says which and why."""


def clean_environment(work):
    """That of the caller without what would make a program do other things."""
    cut = ("AZURE_", "AZURITE_", "DEVLOG_", "RCLONE_", "IDENTITY_", "XDG_", "HTTP_PROXY",
           "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    env = {name: value for name, value in os.environ.items() if not name.upper().startswith(cut)}
    return env | {"HOME": str(work), "LC_ALL": "C.UTF-8"}


def run_counted(command, env, work):
    """Gives what the process cost, and its output, a file in work."""
    out, err = work / "out", work / "err"
    with open(out, "wb") as stdout, open(err, "wb") as stderr:
        start = time.perf_counter()
        # Not waited for by subprocess: only wait4 says what this one child used.
        child = subprocess.Popen(  # pylint: disable=consider-using-with
            command, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        said = (out.read_text(errors="replace") + err.read_text(errors="replace")).strip()
        raise Failed(f"{' '.join(command)}\nexit code {child.returncode}\n{said[-2000:]}")
    return {"cpu_s": usage.ru_utime + usage.ru_stime, "wall_s": wall,
            "peak_mib": usage.ru_maxrss / 1024}, out


class Round:
    def __init__(self, settings):
        self.settings = settings
        self.number = settings["round"]
        self.jobs = str(settings["jobs"])
        self.block = str(settings["block_bytes"])
        self.work = Path(settings["work"])
        self.small = self.work / "small"
        self.big = self.work / "big"
        self.log = self.big / "events" / "log.jsonl"
        self.endpoint = os.environ["AZURITE_ENDPOINT"]
        self.clean = clean_environment(self.work)
        self.results = {}
        self.containers = 0

    # ------------------------------------------------------------ running

    def run(self, command, env):
        return run_counted(command, env, self.work)

    def order(self, programs):
        """Another one is first in each round."""
        first = self.number % len(programs)
        return programs[first:] + programs[:first]

    def keep(self, case, program, cost, **more):
        self.results.setdefault(case, {})[program] = cost | more

    # ------------------------------------------------------------ the programs

    def run_floor(self, *arguments):
        env = self.clean | {"AZURE_STORAGE_ACCOUNT": os.environ["AZURITE_ACCOUNT"],
                            "AZURE_STORAGE_KEY": os.environ["AZURITE_KEY"]}
        return self.run([self.settings["floor"], *arguments], env)[0]

    def run_devlog(self, folder, to, state, *more):
        env = self.clean | {"XDG_STATE_HOME": str(self.work / f"state-{self.number}-{state}"),
                            "AZURE_STORAGE_KEY": os.environ["AZURITE_KEY"]}
        cost, out = self.run([self.settings["devlog"], "push", "--dir", str(folder), "--to", to,
                              "--jobs", self.jobs, *more], env)
        lines = out.read_text(encoding="utf-8").splitlines()
        return cost, json.loads(lines[-1]) if "--json" in more else None

    def run_rclone(self, folder, container):
        """With the settings that make it do what devlog does, and no more:
        - copy: devlog never deletes anything either;
        - as many files (--transfers, --checkers) or blocks of a file (--azureblob-upload-concurrency)
          at a time as devlog has jobs, and blocks as large as those of the floor;
        - it compares as it always does, by size and time: the cheapest way it has. The listing that
          it needs for that stays in (no --no-check-dest): devlog asks for it too;
        - it stores the MD5 of what it sends: devlog proves what it stored, too;
        - each file, also a small one, goes as blocks and a list, and is looked at then, so a small
          one takes three requests: 1.60 has no option for less;
        - no settings from elsewhere, no progress, and no second try that would hide a failure."""
        env = self.clean | {"RCLONE_CONFIG": "/dev/null",
                            "RCLONE_CONFIG_AZURITE_TYPE": "azureblob",
                            "RCLONE_CONFIG_AZURITE_USE_EMULATOR": "true",
                            "RCLONE_CONFIG_AZURITE_ENDPOINT": self.endpoint}
        return self.run(["rclone", "copy", "--retries", "1", "--low-level-retries", "1",
                         "--stats", "0", "--transfers", self.jobs, "--checkers", self.jobs,
                         "--azureblob-upload-concurrency", self.jobs,
                         "--azureblob-chunk-size", f"{self.block}B",
                         str(folder), f"azurite:{container}"], env)[0]

    # ------------------------------------------------------------ the remote

    def client(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-B", str(SUPPORT / "azure_client.py"), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise Failed(f"azure_client.py {' '.join(arguments)}: {done.stdout.decode()}")
        return done.stdout

    def new_container(self):
        self.containers += 1
        name = f"bench-{self.number}-{self.containers}"
        self.client("create", name)
        return name

    def check_remote(self, program, container, folder):
        """What cost so little did send everything: names and sizes; with little data, each byte."""
        listed = map(json.loads, self.client("list", container).splitlines())
        there = {blob["name"]: blob["size"] for blob in listed}
        here = {f"events/{path.name}": path.stat().st_size
                for path in (folder / "events").iterdir()}
        if there != here:
            raise Failed(f"{program} left {len(there)} blobs of {sum(there.values())} bytes, "
                         f"not {len(here)} of {sum(here.values())}")
        if self.settings["quick"]:
            self.client("compare", container, str(folder))

    # ------------------------------------------------------------ the cases

    def warm_up(self):
        """The server translates its own code while it works: not at the cost of who is first."""
        container = self.new_container()
        self.run_floor("small", f"{self.endpoint}/{container}/events", self.jobs,
                       str(self.small / "events"))

    def small_first(self):
        containers = {}
        for program in self.order(PROGRAMS):
            container = containers[program] = self.new_container()
            to = f"{self.endpoint}/{container}"
            if program == "floor":
                cost = self.run_floor("small", f"{to}/events", self.jobs,
                                      str(self.small / "events"))
            elif program == "devlog":
                cost, _ = self.run_devlog(self.small, to, "small", "--quiet")
            else:
                cost = self.run_rclone(self.small, container)
            self.keep("small-first", program, cost)
            self.check_remote(program, container, self.small)
        return containers

    def start_faults(self, log):
        """The server that forwards and counts. Gives it and its port."""
        faults = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-B", str(FAULTS), "--log", str(log),
             "--backend", self.endpoint.rpartition("/")[0]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.clean)
        faults.stdin.write(b"[]")
        faults.stdin.close()
        line = faults.stdout.readline().split()
        if len(line) != 2 or line[0] != b"port":
            raise Failed("tests/fault/server.py does not start")
        return faults, int(line[1])

    def small_noop(self, containers):
        """Nothing new, with a state. devlog's remote is the server that counts requests, which
        costs it nothing if there are none; the state is that of a push through it."""
        log = self.work / f"requests-{self.number}"
        faults, port = self.start_faults(log)
        try:
            to = f"http://127.0.0.1:{port}/{os.environ['AZURITE_ACCOUNT']}/{containers['devlog']}"
            _, result = self.run_devlog(self.small, to, "counted", "--json", "--quiet")
            if result["files_uploaded"] != 0 or log.stat().st_size == 0:
                raise Failed(f"not the push that was wanted before the no-op: {result}")
            for program in self.order(PROGRAMS[1:]):
                os.truncate(log, 0)
                if program == "devlog":
                    cost, result = self.run_devlog(self.small, to, "counted", "--json", "--quiet")
                    if result["files_unchanged"] != self.settings["files"]:
                        raise Failed(f"not all files are unchanged: {result}")
                    seen = log.read_text(encoding="utf-8").splitlines()
                    self.keep("small-noop", program, cost, requests=len(seen))
                else:
                    self.keep("small-noop", program,
                              self.run_rclone(self.small, containers[program]))
        finally:
            faults.kill()
            faults.wait()
            faults.stdout.close()

    def big_push(self, case, containers, *floor):
        """Each program sends the log; the floor by these arguments."""
        for program in self.order(PROGRAMS):
            container = containers[program]
            to = f"{self.endpoint}/{container}"
            more = {}
            if program == "floor":
                cost = self.run_floor(floor[0], f"{to}/events", self.jobs, str(self.log),
                                      self.block, *floor[1:])
            elif program == "devlog":
                cost, result = self.run_devlog(self.big, to, "big", "--json", "--quiet")
                more = {"bytes_sent": result["bytes_sent"]}
            else:
                cost = self.run_rclone(self.big, container)
            self.keep(case, program, cost, **more)
            self.check_remote(program, container, self.big)

    def without_md5(self):
        """devlog again, told not to compute the MD5 of the whole log."""
        config = self.work / "no-md5.ini"
        config.write_text("[sync]\ncontent_md5 = no\n", encoding="utf-8")
        container = self.new_container()
        cost, _ = self.run_devlog(self.big, f"{self.endpoint}/{container}", "no-md5",
                                  "--config", str(config), "--quiet")
        self.keep("big-first", "devlog-crc", cost)
        self.check_remote("devlog", container, self.big)

    def big_cases(self):
        containers = {program: self.new_container() for program in PROGRAMS}
        size = self.settings["big_bytes"]
        self.keep("big-first", "hash", self.run_floor("hash", str(self.log)))
        self.keep("big-first", "hash-crc", self.run_floor("hash-crc", str(self.log)))
        self.without_md5()
        self.big_push("big-first", containers, "blocks")
        with open(self.log, "ab") as log:
            log.write(b"+" * (self.settings["append_bytes"] - 1) + b"\n")
        try:
            os.sync()
            self.keep("big-append", "hash", self.run_floor("hash", str(self.log)))
            self.big_push("big-append", containers, "append", str(size))
        finally:
            os.truncate(self.log, size)

    def play(self):
        self.warm_up()
        if self.settings["only"] != "big":
            self.small_noop(self.small_first())
        if self.settings["only"] != "small":
            self.big_cases()


def main():
    settings = json.loads(sys.argv[1])
    one = Round(settings)
    try:
        one.play()
    except Failed as failed:
        sys.exit(f"bench: {failed}")
    Path(settings["result"]).write_text(json.dumps(one.results), encoding="utf-8")


if __name__ == "__main__":
    main()
