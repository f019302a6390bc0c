#!/usr/bin/env python3
"""What a push costs: devlog against rclone, and against a floor, bare libcurl that sends the same
bytes over as many connections with the same signing (floor.c). Prints ratios, with the goal beside
each; the exit code is 0 if all runs did their work, whether the goals were met or not.

The programs take turns, in another order each round, on the same data and the same server, a fresh
Azurite for each round (it keeps everything in memory); each pushes into a container of its own.

  small-first  the first push of small files
  small-noop   the next push, with nothing new; devlog's requests are counted
  big-first    the first push of a log; hash is one pass of SHA-256 and MD5 over its bytes. devlog-crc
               is devlog with content_md5 = no, hash-crc one pass of SHA-256 and CRC-64
  big-append   the next push, after a line more at its end"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1024 * 1024

# Case, measure, the program above the line, those below it (added up), the goal or None.
RATIOS = (
    ("small-first", "cpu_s", "devlog", ("floor",), 1.5),
    ("small-first", "cpu_s", "devlog", ("rclone",), 1 / 4),
    ("small-first", "wall_s", "devlog", ("floor",), 1.15),
    ("small-first", "wall_s", "devlog", ("rclone",), None),
    ("small-noop", "cpu_s", "devlog", ("rclone",), 1 / 15),
    ("small-noop", "wall_s", "devlog", ("rclone",), None),
    ("big-first", "cpu_s", "devlog", ("hash", "floor"), 1.15),
    ("big-first", "cpu_s", "devlog-crc", ("hash-crc", "floor"), 1.15),
    ("big-first", "cpu_s", "devlog", ("floor",), None),
    ("big-first", "cpu_s", "devlog", ("rclone",), None),
    ("big-first", "wall_s", "devlog", ("floor",), None),
    ("big-first", "wall_s", "devlog", ("rclone",), None),
    ("big-append", "cpu_s", "devlog", ("hash", "floor"), 1.15),
    ("big-append", "cpu_s", "devlog", ("floor",), None),
    ("big-append", "cpu_s", "devlog", ("rclone",), None),
    ("big-append", "wall_s", "devlog", ("floor",), None),
    ("big-append", "wall_s", "devlog", ("rclone",), None),
)


def arguments():
    parser = argparse.ArgumentParser(
        prog="dev bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    # ./dev gives these two.
    parser.add_argument("--floor", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--devlog", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5, help="how often (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=64,
                        help="connections of each program (default: %(default)s, as devlog's)")
    parser.add_argument("--only", choices=("small", "big"), help="only these cases")
    parser.add_argument("--quick", action="store_true",
                        help="little data, only to see that it works: the ratios mean nothing")
    options = parser.parse_args()
    if options.rounds < 1 or not 1 <= options.jobs <= 256:
        parser.error("at least one round, and 1 to 256 jobs")
    return options


def settings_of(options, work):
    sizes = {"files": 5000, "big_bytes": 512 * MIB, "block_bytes": 4 * MIB}
    if options.quick:
        sizes = {"files": 40, "big_bytes": 3 * MIB, "block_bytes": MIB}
    return sizes | {"file_bytes": 1024, "append_bytes": 1024, "work": work, "quick": options.quick,
                    "only": options.only, "jobs": options.jobs, "floor": str(options.floor.resolve()),
                    "devlog": str(options.devlog.resolve())}


def make_data(settings):
    """The same bytes each time, on the disk before anything is measured."""
    work = Path(settings["work"])
    content = random.Random(1)
    small, big = work / "small" / "events", work / "big" / "events"
    small.mkdir(parents=True)
    big.mkdir(parents=True)
    for number in range(settings["files"]):
        (small / f"{number:05}.jsonl").write_bytes(content.randbytes(settings["file_bytes"]))
    with open(big / "log.jsonl", "wb") as log:
        for _ in range(settings["big_bytes"] // MIB):
            log.write(content.randbytes(MIB))
    os.sync()


def play_round(settings, number):
    """Gives what one_round.py found."""
    result = Path(settings["work"]) / f"result-{number}"
    given = settings | {"round": number, "result": str(result)}
    subprocess.run([str(HERE.parent / "support" / "azurite.sh"), sys.executable, "-B",
                    str(HERE / "one_round.py"), json.dumps(given)],
                   stdin=subprocess.DEVNULL, check=True)
    return json.loads(result.read_text(encoding="utf-8"))


# ---------------------------------------------------------------- the report

def values(rounds, case, programs, measure):
    """Of each round; of several programs the sum."""
    return [sum(one[case][program][measure] for program in programs) for one in rounds]


def show_costs(rounds):
    print(f"\n{'case':<12} {'program':<10} {'CPU s':>8} {'(of the rounds)':>17} {'wall s':>8}"
          f" {'(of the rounds)':>17}")
    for case, programs in rounds[0].items():
        for program in sorted(programs):
            line = f"{case:<12} {program:<10}"
            for measure in ("cpu_s", "wall_s"):
                found = values(rounds, case, [program], measure)
                line += f" {statistics.median(found):8.3f}"
                line += f" {f'({min(found):.3f} - {max(found):.3f})':>17}"
            print(line)


def verdict(value, goal):
    return "met" if value <= goal else "missed"


def show_ratios(rounds):
    """Ratios of medians; beside them the lowest and the highest of a single round."""
    print(f"\n{'case':<12} {'ratio':<36} {'value':>8} {'(of the rounds)':>17}  goal")
    for case, measure, over, under, goal in RATIOS:
        if case not in rounds[0]:
            continue
        above, below = (values(rounds, case, programs, measure) for programs in ((over,), under))
        value = statistics.median(above) / statistics.median(below)
        each = [a / b for a, b in zip(above, below)]
        below_text = under[0] if len(under) == 1 else f"({' + '.join(under)})"
        what = f"{'CPU' if measure == 'cpu_s' else 'wall'} {over} / {below_text}"
        line = f"{case:<12} {what:<36} {value:8.3f} {f'({min(each):.3f} - {max(each):.3f})':>17}"
        print(line + (f"  <= {goal:.3f} {verdict(value, goal)}" if goal is not None else ""))


def show_counts(rounds, settings):
    print(f"\n{'case':<12} {'count':<32} {'value':>9} {'':16}  goal")
    if "small-noop" in rounds[0]:
        requests = max(values(rounds, "small-noop", ["devlog"], "requests"))
        print(f"{'small-noop':<12} {'requests and connections':<32} {requests:9} {'':16}  <= 0"
              f" {verdict(requests, 0)}")
    if "big-append" in rounds[0]:
        sent = statistics.median(values(rounds, "big-append", ["devlog"], "bytes_sent"))
        times = sent / settings["append_bytes"]
        print(f"{'big-append':<12} {'bytes sent':<32} {sent:9.0f}")
        print(f"{'big-append':<12} {'bytes sent / bytes appended':<32} {times:9.1f}")


def show(rounds, settings, options, load):
    version = subprocess.run(["rclone", "version"], stdout=subprocess.PIPE, check=True)
    print(f"\n{settings['files']:,} files of {settings['file_bytes']:,} bytes, a log of"
          f" {settings['big_bytes'] // MIB:,} MiB and a line of {settings['append_bytes']:,} bytes"
          f" more; {options.jobs} connections; medians of {len(rounds)} rounds;"
          f" {version.stdout.decode().splitlines()[0]}; {os.cpu_count()} CPUs, which the server"
          f" shares; load average before: {load:.2f} (others at work make CPU times larger, too)")
    show_costs(rounds)
    show_ratios(rounds)
    show_counts(rounds, settings)


def main():
    options = arguments()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="devlog-bench-") as work:
        settings = settings_of(options, work)
        make_data(settings)
        rounds = []
        try:
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
                rounds.append(play_round(settings, number))
        except subprocess.CalledProcessError as failed:
            sys.exit(failed.returncode)  # who failed has said why
        show(rounds, settings, options, load)


main()
