#!/usr/bin/env python3
"""Who may include whom, and which file is the one door to each outside library.

Takes the top of the source tree, prints TAP. The rule itself is in ROOMS and
DOORS; lib/README.md has it in words. The last test points plant violations in a
copy of the tree, so that a check that went blind is noticed."""

import fnmatch
import re
import sys
from pathlib import Path

import tap

# Room -> what its files may include by "...": a room, or one header of a room.
ROOMS = {
    "base": ("base",),
    "net": ("net", "base"),
    "storage": ("storage", "net", "base"),
    "push": ("push", "storage/storage.h", "base"),
    "journal": ("journal", "base"),
    "sync.c": ("push", "storage/storage.h", "base", "sync.h"),
    "sync.h": ("storage/storage.h",),
    "sync_begin.c": ("push", "storage/storage.h", "base", "sync_begin.h"),
    "sync_begin.h": ("push", "sync.h"),
    "sync_compare.c": ("push", "storage/storage.h", "base", "sync.h"),
    "sync_pull.c": ("push", "storage/storage.h", "base", "sync_begin.h"),
    "sync_push.c": ("push", "storage/storage.h", "base", "sync_begin.h"),
    "sync_verify.c": ("push", "storage/storage.h", "base", "sync_begin.h"),
    "cli": ("cli",),
    "include": (),
    "examples": (),
}

# Header of an outside library -> for each part of the tree, the files that may be its door;
# only one of them may be.
DOORS = {
    "ini.h": ("lib/push/config*.c",),
    "sqlite3*.h": ("lib/push/state*.[ch]",),
    "openssl/*": ("lib/base/hash.c", "lib/base/md5.c"),
    "curl/*": ("lib/net/http*.[ch]",),
    "expat*.h": ("lib/net/xml.c",),
    "jansson*.h": ("lib/*.c", "cli/*.c"),
    "immintrin.h": ("lib/base/crc64_clmul.c",),  # of the compiler, and of one kind of processor
}

SYSTEM = set("""
assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign
stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar
wchar wctype
aio arpa/inet dirent dlfcn fcntl fnmatch ftw getopt glob grp iconv langinfo libgen netdb
netinet/in netinet/tcp poll pthread pwd regex sched semaphore spawn strings syslog termios unistd
utime wordexp byteswap endian
""".split())

FOLDERS = ("include", "lib", "cli", "examples")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>|(\S.*))', re.M)


def sources(top):
    for folder in FOLDERS:
        for path in sorted((top / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".cpp", ".hpp", ".in"):
                yield path.relative_to(top)


def room_of(path):
    if path.parts[0] == "lib":
        return path.parts[1]
    return path.parts[0]


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)


def includes(top, path):
    """Yields (line number, quoted or None, angled or None, rest or None)."""
    text = without_comments((top / path).read_text(encoding="utf-8"))
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, *match.groups()


def resolve(top, path, name):
    """The file that #include "name" in path means, relative to top; None if there is none."""
    for folder in (top / path.parent, top / path.parts[0]):
        found = (folder / name).resolve()
        if found.is_file() and found.is_relative_to(top):
            return found.relative_to(top)
    return None


def allowed(path, target):
    inside = "/".join(target.parts[1:]) if target.parts[0] == "lib" else ""
    return any(entry in (room_of(target), inside) for entry in ROOMS.get(room_of(path), ()))


def is_system(path, name):
    if name.startswith(("sys/", "linux/")):
        return True
    if path.suffix == ".cpp" and re.fullmatch(r"[a-z_]+", name):
        return True
    return name.endswith(".h") and name[:-2] in SYSTEM


def door(name):
    return next((header for header in DOORS if fnmatch.fnmatchcase(name, header)), None)


def check_rooms(top):
    for path in sources(top):
        if room_of(path) not in ROOMS:
            yield f"{path}: no room of this name in the include rule"
            continue
        for line, quoted, angled, rest in includes(top, path):
            where = f"{path}:{line}"
            if rest is not None:
                yield f"{where}: an include that cannot be checked: {rest}"
            elif quoted is not None:
                target = resolve(top, path, quoted)
                if target is None:
                    yield f"{where}: \"{quoted}\" is no file of this tree"
                elif not allowed(path, target):
                    yield f"{where}: {room_of(path)} may not include {target}"
            elif angled.startswith("devlog/"):
                if not any((top / "include" / (angled + end)).is_file() for end in ("", ".in")):
                    yield f"{where}: <{angled}> is no public header"
            elif door(angled) is None and not is_system(path, angled):
                yield f"{where}: <{angled}> is of no known library; a new one needs a door"


def check_doors(top):
    users = {}
    for path in sources(top):
        for line, _, angled, _ in includes(top, path):
            header = door(angled or "")
            if header is None:
                continue
            place = next((p for p in DOORS[header] if fnmatch.fnmatchcase(str(path), p)), None)
            if place is None:
                yield f"{path}:{line}: <{angled}> only in {' or '.join(DOORS[header])}"
            else:
                users.setdefault((header, place), set()).add(str(path))
    for (header, _), paths in sorted(users.items()):
        if len(paths) > 1:
            yield f"<{header}> has more than one door: {' '.join(sorted(paths))}"


def check_rings(top):
    """A header that includes itself over others."""
    graph = {}
    for path in sources(top):
        targets = (resolve(top, path, quoted) for _, quoted, _, _ in includes(top, path) if quoted)
        graph[path] = [target for target in targets if target is not None]
    finished = set()

    def walk(path, trail):
        if path in trail:
            yield " -> ".join(map(str, trail[trail.index(path):] + [path]))
        elif path not in finished:
            for target in graph.get(path, ()):
                yield from walk(target, trail + [path])
            finished.add(path)

    for path in graph:
        yield from walk(path, [])


CHECKS = {"rooms": check_rooms, "doors": check_doors, "rings": check_rings}

# (check that must notice, file to add the line to, the line)
PLANTED = (
    ("rooms", "lib/base/planted.c", '#include "push/planted.h"'),
    ("rooms", "lib/base/planted.c", '#include "../push/planted.h"'),
    ("rooms", "lib/base/planted.c", "#  include /* why not */ \"storage/storage.h\""),
    ("rooms", "lib/storage/planted.c", '#include "push/planted.h"'),
    ("rooms", "lib/push/planted.c", '#include "storage/planted.h"'),
    ("rooms", "lib/push/planted.c", '#include "nowhere/planted.h"'),
    ("rooms", "lib/push/planted.c", "#include <zlib.h>"),
    ("rooms", "lib/push/planted.c", "#include <devlog/planted.h>"),
    ("rooms", "lib/push/planted.c", "#define P <zlib.h>\n#include P"),
    ("rooms", "lib/journal/planted.c", '#include "push/planted.h"'),
    ("rooms", "lib/push/planted.c", '#include "journal/planted.h"'),
    ("rooms", "lib/sync.c", '#include "storage/planted.h"'),
    ("rooms", "lib/attic/planted.c", "int planted;"),
    ("rooms", "cli/planted.c", '#include "../lib/push/planted.h"'),
    ("rooms", "cli/planted.c", '#include "push/planted.h"'),
    ("rooms", "include/devlog/error.h", '#include "../../lib/base/planted.h"'),
    ("rooms", "examples/planted.c", '#include "../lib/base/planted.h"'),
    ("doors", "lib/base/planted.c", "#include <openssl/evp.h>"),
    ("doors", "lib/storage/planted.c", "#include <sqlite3.h>"),
    ("doors", "lib/push/config_planted.c", "#include <ini.h>"),
    ("doors", "cli/planted.c", "#include <ini.h>"),
    ("doors", "lib/net/planted.c", "#include <curl/curl.h>"),
    ("doors", "lib/push/state.c", "#include <expat.h>"),
    ("doors", "lib/base/hash.c", "#include <immintrin.h>"),
    ("rings", "lib/base/planted.h", '#include "base/ring.h"'),
)


def plant(top, name, line):
    """Adds the line to the file in the copy; returns what to do to take it back."""
    path = top / name
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((before or "") + line + "\n", encoding="utf-8")
    return path, before


def unplant(path, before):
    if before is None:
        path.unlink()
    else:
        path.write_text(before, encoding="utf-8")
    if not any(path.parent.iterdir()):
        path.parent.rmdir()


def check_planted(top):
    with tap.copy_of(top, *FOLDERS) as copy:
        copy = copy.resolve()
        for room in ("base", "journal", "push", "storage"):
            plant(copy, f"lib/{room}/planted.h", "int planted;")
        plant(copy, "lib/base/ring.h", '#include "base/planted.h"')
        plant(copy, "lib/push/config_first.c", "#include <ini.h>")  # a second one is noticed
        for check, name, line in PLANTED:
            before = set(CHECKS[check](copy))
            undo = plant(copy, name, line)
            seen = set(CHECKS[check](copy)) - before
            unplant(*undo)
            last = line.splitlines()[-1]
            tap.check(f"noticed: {last} in {name}", [] if seen else ["it was not noticed"])


def main():
    top = Path(sys.argv[1]).resolve()
    tap.check("every room includes only what it may", check_rooms(top))
    tap.check("each outside library has one door", check_doors(top))
    tap.check("no header includes itself over others", check_rings(top))
    check_planted(top)
    tap.done()


main()
