#!/usr/bin/env python3
"""No function above 60 lines and no file above 400, in lib and cli.

Takes the top of the source tree, prints TAP; functions above 40 lines and files
above 300 are named but allowed. A function is counted from the line of its
name's declaration to its closing brace. The last test points plant an overlong
function and file in a copy of the tree."""

import re
import sys
from pathlib import Path

import tap

FOLDERS = ("lib", "cli")
FUNCTION_AIM, FUNCTION_MAX = 40, 60
FILE_AIM, FILE_MAX = 300, 400

# Comments, literals and preprocessor lines (with their continuations) hold no code to count.
NOISE = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
      | ^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*""", re.S | re.M | re.X)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)", re.S)
HEAD = re.compile(r"(\w+)\s*\([^{};]*\)[^{};=]*$", re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def functions(text):
    """Yields (name, first line, number of lines) of each function defined in text."""
    text = NOISE.sub(blank, text)
    depth, head_start, opened = 0, 0, None
    for match in re.finditer(r"[{};]", text):
        if match.group() == ";":
            if depth == 0:
                head_start = match.end()
        elif match.group() == "{":
            if depth == 0:
                opened = HEAD.search(ATTRIBUTE.sub(blank, text[head_start:match.start()]))
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                if opened:
                    head = text[head_start:match.start()]
                    first = text.count("\n", 0, head_start + len(head) - len(head.lstrip())) + 1
                    last = text.count("\n", 0, match.start()) + 1
                    yield opened.group(1), first, last - first + 1
                head_start, opened = match.end(), None


def sources(top):
    for folder in FOLDERS:
        yield from (p for p in sorted((top / folder).rglob("*")) if p.suffix in (".c", ".h"))


def measure(top):
    """Gives (lines, limit, aim, what) of every function and file."""
    for path in sources(top):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(top)
        yield text.count("\n"), FILE_MAX, FILE_AIM, f"{name}"
        for function, line, size in functions(text):
            yield size, FUNCTION_MAX, FUNCTION_AIM, f"{name}:{line}: {function}"


def too_long(top):
    return [f"{what}: {size} lines, at most {limit}" for size, limit, _, what in measure(top)
            if size > limit]


def longish(top):
    return [f"{what}: {size} lines, aim at {aim}" for size, limit, aim, what in measure(top)
            if aim < size <= limit]


def function_of(lines):
    body = "  call(\"}\", '{'); /* } */\n" * (lines - 3)
    return f"static int planted(const char *a,\n                   int b) {{\n{body}}}\n"


PLANTED = (
    ("a function of 61 lines", function_of(61), True),
    ("a function of 60 lines", function_of(60), False),
    ("a function of 61 lines after a table", "static int t[] = {1, 2};\n" + function_of(61), True),
    ("a function of 61 lines after a macro", "#define M(x) \\\n  {\n" + function_of(61), True),
    ("a function of 61 lines with an attribute", "__attribute__((cold)) " + function_of(61), True),
    ("a file of 401 lines", "int planted;\n" * 401, True),
    ("a file of 400 lines", "int planted;\n" * 400, False),
)


def check_planted(top):
    with tap.copy_of(top, *FOLDERS) as copy:
        for what, text, bad in PLANTED:
            before = set(too_long(copy))
            path = copy / "lib" / "planted.c"
            path.write_text(text, encoding="utf-8")
            seen = set(too_long(copy)) - before
            path.unlink()
            tap.check(f"{'noticed' if bad else 'allowed'}: {what}",
                      [] if bool(seen) == bad else [f"said: {seen or 'nothing'}"])


def main():
    top = Path(sys.argv[1]).resolve()
    count = sum(1 for _ in measure(top))
    tap.check("there is something to measure", [] if count > 0 else ["no function, no file"])
    tap.check(f"functions up to {FUNCTION_MAX} lines, files up to {FILE_MAX}", too_long(top))
    for line in longish(top):
        tap.note(line)
    check_planted(top)
    tap.done()


main()
