#!/usr/bin/env python3
"""Keeps the drawing of ARCHITECTURE.md true: which folder may include which, and where the world may be touched.

    tests/lint/lint.py [ROOT]

Prints each violation as `file:line: sentence` and exits with 1 if there is one.
"""

import collections
import fnmatch
import os
import pathlib
import re
import sys

Finding = collections.namedtuple("Finding", "path line sentence")

# Which folders a folder may include. tracker and peer meet in messages alone; tests see all.
ARROWS = {
    "messages": set(),
    "actors": {"messages"},
    "tracker": {"messages", "actors"},
    "peer": {"messages", "actors"},
    "shell": {"messages", "actors", "peer"},
}

# The tools speak to the actors of both sides; nothing else of the shell may know the tracker.
MAY_INCLUDE_TRACKER = ("shell/programs/inject.*", "shell/programs/inject/*", "shell/programs/trace_view.*",
                       "shell/programs/trace_view/*")

# The one adapter that owns sockets.
MAY_USE_ZMQ = ("actors/zmq_*",)

# The hosts: everybody else is given the time, randomness and a thread to run on. The catalogue makes sample messages
# from a seed that it is given; it stands below the actors' Random.
MAY_TOUCH_THE_WORLD = ("actors/zmq_*", "actors/*clock*", "actors/random*", "messages/catalogue.cpp")

GENERATED_HEADERS = {"tutti_version.hpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
ZMQ_HEADER = re.compile(r"^zmq(_\w+)?\.h(pp)?$")
# What messages/ may include from outside the project: the standard library and msgpack.
STANDARD_OR_MSGPACK = re.compile(r"^([a-z_]+|msgpack\.hpp|msgpack/.*)$")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
WORLD = re.compile(
    r"\bstd::(thread|jthread|async|this_thread)\b|\bpthread_create\b"
    r"|\b(system_clock|steady_clock|high_resolution_clock|gettimeofday|clock_gettime)\b"
    r"|\bstd::time\s*\(|\btime\s*\(\s*(nullptr|NULL|0)\s*\)"
    r"|\b(random_device|mt19937\w*|minstd_rand\w*|default_random_engine|getrandom|RAND_bytes|randombytes\w*)\b"
    r"|\bs?rand\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME)\b")
# A path of the machine that the project is written on means nothing to its readers.
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(work|tmp/brief)/")
MESSAGE = re.compile(r"\bTUTTI_MESSAGE\(\s*(\w+)\s*,\s*(0[xX][0-9a-fA-F]+|\d+)")

CXX = (".cpp", ".hpp")
NOT_TEXT = (".png", ".db", ".bin", ".svgz", ".gz", ".gif")


class Tree:
    """The project's files, read once: all of them, but for what git ignores (build/, caches)."""

    def __init__(self, root):
        self.files = {}
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(each for each in folders if each not in (".git", "build", "__pycache__", ".cache"))
            for name in sorted(names):
                path = pathlib.Path(folder) / name
                if path.suffix not in NOT_TEXT and path.is_file():
                    self.files[path.relative_to(root).as_posix()] = path.read_text(errors="replace")

    def sources(self, *folders, suffixes=CXX):
        for path, text in self.files.items():
            if path.split("/")[0] in folders and path.endswith(suffixes):
                yield path, text


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, each) for each in patterns)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def code_only(text):
    """The text with comments and the insides of literals blanked; lines stay where they are."""
    return re.sub(r'R"([^(]*)\([\s\S]*?\)\1"|"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n]){1,4}\'|//[^\n]*|/\*[\s\S]*?\*/', blank, text)


def includes(text):
    """(line, was it in quotes, what) of each include that is not in a comment."""
    code = code_only(text).splitlines()
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match and "#" in code[number - 1]:
            yield number, match.group(1) == '"', match.group(2)


def found(path, text, pattern, sentence):
    for number, line in enumerate(text.splitlines(), 1):
        match = pattern.search(line)
        if match:
            yield Finding(path, number, sentence.format(match.group().strip()))


def check_arrows(tree):
    for path, text in tree.sources(*ARROWS):
        folder = path.split("/")[0]
        allowed = ARROWS[folder] | {folder}
        if matches(path, MAY_INCLUDE_TRACKER):
            allowed = allowed | {"tracker"}
        for line, _, name in includes(text):
            target = name.split("/")[0]
            if (target in ARROWS or target == "tests") and target not in allowed:
                yield Finding(path, line, f"{folder} may not include {name}")


def check_include_paths(tree):
    for path, text in tree.sources(*ARROWS, "tests"):
        for line, quoted, name in includes(text):
            if quoted and name not in tree.files and name not in GENERATED_HEADERS:
                yield Finding(path, line, f'"{name}" is no file of the project, named from its root')
            if path.startswith("messages/") and not quoted and not STANDARD_OR_MSGPACK.match(name):
                yield Finding(path, line, f"messages/ knows the standard library and msgpack, not <{name}>")


def check_zmq(tree):
    for path, text in tree.sources(*ARROWS, "tests"):
        if not matches(path, MAY_USE_ZMQ):
            for line, _, name in includes(text):
                if ZMQ_HEADER.match(name):
                    yield Finding(path, line, f"only {', '.join(MAY_USE_ZMQ)} may include {name}")


def check_world(tree):
    for path, text in tree.sources(*ARROWS):
        if not matches(path, MAY_TOUCH_THE_WORLD):
            code = code_only(text)
            yield from found(path, code, WORLD, "{} belongs into a host: ask the Context")
            yield from found(path, code, SLEEP, "{}: an actor never blocks, it asks for a timer")


def check_sleeping_tests(tree):
    for path, text in tree.sources("tests"):
        yield from found(path, code_only(text), SLEEP, "{}: a test waits for the event, not for time to pass")
    for path, text in tree.sources("tests", suffixes=(".py", ".sh")):
        if not path.startswith("tests/lint/"):
            yield from found(path, text, SLEEP, "{}: a test waits for the event, not for time to pass")


def check_words(tree):
    for path, text in tree.files.items():
        if not path.startswith("tests/lint/"):
            yield from found(path, text, UNFINISHED, "{}: finish it or leave it out")
            yield from found(path, text, MACHINE_PATH, "{} is a path of one machine")


def check_message_numbers(tree):
    owners = {}
    for path, text in tree.sources("messages", suffixes=(".hpp",)):
        code = code_only(text)
        for match in MESSAGE.finditer(code):
            name, number = match.group(1), int(match.group(2), 0)
            line = code.count("\n", 0, match.start()) + 1
            if number in owners:
                yield Finding(path, line, f"{name} has the number {number:#06x} of {owners[number]}")
            owners.setdefault(number, name)


def check_header_guards(tree):
    for path, text in tree.sources(*ARROWS, "tests", suffixes=(".hpp",)):
        if "#pragma once" not in text:
            yield Finding(path, 1, "a header begins with #pragma once")


def check_ci(tree):
    if not re.search(r"^\s*exec (\./)?scripts/test\b", tree.files.get(".ci/run", ""), re.MULTILINE):
        yield Finding(".ci/run", 1, "has to run exactly scripts/test")


CHECKS = (check_arrows, check_include_paths, check_zmq, check_world, check_sleeping_tests, check_words,
          check_message_numbers, check_header_guards, check_ci)


def findings(root):
    tree = Tree(pathlib.Path(root))
    return [finding for check in CHECKS for finding in check(tree)]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    violations = findings(root)
    for each in violations:
        print(f"{each.path}:{each.line}: {each.sentence}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
