"""What the lint scripts share: TAP on stdout, and a copy of the tree to plant mistakes in."""

import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

_results = []


def check(name, problems=()):
    """One test point; it passes if there are no problems."""
    problems = list(problems)
    _results.append(not problems)
    print(f"{'not ok' if problems else 'ok'} {len(_results)} - {name}")
    for problem in problems:
        note(problem)


def skip(name, reason):
    _results.append(True)
    print(f"ok {len(_results)} - {name} # SKIP {reason}")


def note(text):
    for line in str(text).splitlines():
        print(f"# {line}")


def done():
    """Prints the plan and ends the program."""
    print(f"1..{len(_results)}")
    sys.exit(0 if _results and all(_results) else 1)


@contextmanager
def copy_of(top, *folders):
    """A copy of some folders of the tree that vanishes afterwards."""
    with tempfile.TemporaryDirectory(prefix="devlog-lint-") as name:
        for folder in folders:
            if (Path(top) / folder).is_dir():
                shutil.copytree(Path(top) / folder, Path(name) / folder)
        yield Path(name)
