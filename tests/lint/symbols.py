#!/usr/bin/env python3
"""What the built library shows to its host, and what it takes from it.

Takes the source tree, the shared library and the static library; prints TAP.
The exported symbols, the version script and the DL_API functions of the headers
must be the same set, and the library must not import what could end, silence or
change its host. The last test points look at small libraries that break the
rules, so that a check that went blind is noticed."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import tap

SONAME = "libdevlogsync.so.0"

# A library may not end its host, write to its streams or change its process.
FORBIDDEN = set("""
exit _exit _Exit quick_exit abort __assert_fail __assert_perror_fail __assert
printf vprintf puts putchar fprintf vfprintf dprintf vdprintf fputs perror psignal
__printf_chk __vprintf_chk __fprintf_chk __vfprintf_chk __dprintf_chk
stdout stderr stdin err errx warn warnx error
setlocale umask chdir fchdir chroot setenv putenv unsetenv clearenv
signal sigaction bsd_signal sysv_signal __sysv_signal sigset atexit
system popen
""".split())

INSTRUMENTED = re.compile(r"__(asan|tsan|ubsan|gcov|llvm_profile|sanitizer)_")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def nm(library, *options):
    """Yields (type, name) without the version behind the name."""
    for line in run("nm", *options, str(library)).splitlines():
        words = line.split()
        if len(words) >= 2 and not line.endswith(":"):
            yield words[-2], words[-1].split("@")[0]


def exported(library):
    """All but the absolute symbol that names the version."""
    return {name for kind, name in nm(library, "-D", "--defined-only") if kind != "A"}


def imported(library):
    return {name for _, name in nm(library, "-D", "--undefined-only")}


def in_map(path):
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.S)
    names = set()
    for part in re.findall(r"global:(.*?)(?:local:|\})", text, re.S):
        names.update(name.strip() for name in part.split(";") if name.strip())
    return names


def in_headers(folder):
    names = set()
    for path in sorted(folder.iterdir()):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"^[ \t]*#.*", "", text, flags=re.M)
        names.update(re.findall(r"\bDL_API\b[^;{]*?\b(\w+)\s*\(", text))
    return names


def differences(left, left_name, right, right_name):
    yield from (f"{name}: in {left_name}, not in {right_name}" for name in sorted(left - right))
    yield from (f"{name}: in {right_name}, not in {left_name}" for name in sorted(right - left))


def not_public(names):
    return [f"{name}: not dl_ and a name" for name in sorted(names)
            if not re.fullmatch(r"dl_[a-z][a-z0-9_]*", name)]


def forbidden(names):
    return [f"imports {name}" for name in sorted(names & FORBIDDEN)]


def soname(library):
    return re.findall(r"\(SONAME\).*\[(.*)\]", run("readelf", "-d", str(library)))


BAD_LIBRARIES = (
    ("void dl_fine(void); void dl_fine(void) {}", False),
    ("void dl__inner(void); void dl__inner(void) {}", True),
    ("void other(void); void other(void) {}", True),
    ("#include <stdlib.h>\nvoid dl_bad(void); void dl_bad(void) { abort(); }", True),
    ("#include <stdio.h>\nvoid dl_bad(int n); void dl_bad(int n) { printf(\"%d\", n); }", True),
    ("#include <assert.h>\nvoid dl_bad(int n); void dl_bad(int n) { assert(n); }", True),
    ("#include <stdlib.h>\nvoid dl_bad(void); void dl_bad(void) { setenv(\"A\", \"b\", 1); }", True),
)


def check_planted():
    with tempfile.TemporaryDirectory(prefix="devlog-lint-") as folder:
        for source, bad in BAD_LIBRARIES:
            name = Path(folder) / "planted.c"
            library = Path(folder) / "planted.so"
            name.write_text(source + "\n", encoding="utf-8")
            run("cc", "-shared", "-fPIC", "-O0", "-o", str(library), str(name))
            seen = not_public(exported(library)) + forbidden(imported(library))
            tap.check(f"{'noticed' if bad else 'allowed'}: {source.splitlines()[-1]}",
                      [] if bool(seen) == bad else [f"said: {seen or 'nothing'}"])


def main():
    top, shared, static = (Path(argument) for argument in sys.argv[1:4])
    exports, imports = exported(shared), imported(shared)
    versions, headers = in_map(top / "lib/devlogsync.map"), in_headers(top / "include/devlog")
    if any(INSTRUMENTED.match(name) for name in imports | {n for _, n in nm(shared)}):
        tap.skip("symbols of the library", "it is instrumented: look at a plain build")
        tap.done()
    tap.check("the library exports something", [] if exports else ["no exported symbol"])
    tap.check("exports are those of the version script",
              differences(exports, shared.name, versions, "devlogsync.map"))
    tap.check("functions of the headers are those of the version script",
              differences(headers, "the headers", versions, "devlogsync.map"))
    tap.check("exports are public names", not_public(exports))
    tap.check(f"soname is {SONAME}", [] if soname(shared) == [SONAME] else [f"{soname(shared)}"])
    tap.check("no forbidden import", forbidden(imports))
    tap.check("the static library defines only dl_ names",
              [name for kind, name in nm(static, "-g", "--defined-only")
               if kind not in "Uwv" and not name.startswith("dl_")])
    check_planted()
    tap.done()


main()
