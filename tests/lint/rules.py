# SPDX-License-Identifier: Apache-2.0
"""The rules of this code base that a machine can hold. Each takes a Source and yields (line, what is wrong)."""

import re

FILE_LINES_MAX = 800
BODY_LINES_MAX = 70
NESTING_MAX = 3

# What a folder may include besides its own headers. "x/" is all of x.
FOLDERS = {
    "base": [],
    "raft": ["base/"],
    "store": ["base/"],
    "replica": ["base/", "raft/raft.h", "store/kv.h", "store/store.h", "store/raftlog.h"],
    "fs": ["base/", "replica/replica.h", "store/kv.h"],
    "tree": ["base/", "store/kv.h", "fs/attr.h"],
    "api": ["base/", "replica/replica.h", "store/kv.h", "tree/tree.h"],
    "cli": ["base/", "api/control"],
    "mountd": ["base/", "raft/raft.h", "store/kv.h", "store/store.h", "store/raftlog.h", "replica/replica.h",
               "fs/fs.h", "api/api.h"],
}

# Libraries, and the folders that know each of them: one, but for the parser of HTTP, which also reads URLs.
LIBRARIES = {"rocksdb/": ("store",), "nng/": ("replica",), "fuse": ("fs",), "linux/fuse": ("fs",), "nghttp2/": ("api",),
             "jansson": ("api",), "http_parser": ("api", "base")}

# The consensus core is a function: what could let the world in.
IMPURE_HEADERS = ("base/clock.h", "base/file.h", "base/log.h", "base/mailbox.h", "base/role.h", "arpa/", "dirent.h",
                  "fcntl.h", "net", "poll.h", "pthread.h", "semaphore.h", "signal.h", "stdatomic.h", "sys/",
                  "threads.h", "time.h", "unistd.h")
IMPURE_CALLS = ("fopen", "fprintf", "printf", "fputs", "puts", "fwrite", "getenv", "random_from_system")

BANNED_CALLS = {
    "strcpy": "it knows no size", "strcat": "it knows no size", "strncpy": "it may leave out the zero",
    "sprintf": "it knows no size", "vsprintf": "it knows no size", "gets": "it knows no size",
    "strtok": "it keeps hidden state", "atoi": "it hides errors", "atol": "it hides errors", "atoll": "it hides errors",
    "atof": "it hides errors", "system": "a shell is no interface", "popen": "a shell is no interface",
    "rand": "use base/random.h", "srand": "use base/random.h", "random": "use base/random.h",
    "sleep": "wait for the event itself", "usleep": "wait for the event itself",
    "nanosleep": "wait for the event itself", "assert": "use check(), which is never compiled out",
    "alloca": "use an arena",
}
CLOCK_CALLS = ("clock_gettime", "gettimeofday", "time")


def included_from_folders(source):
    """A folder includes only what the table of folders allows."""
    for number, name, is_system in source.includes:
        if is_system or "/" not in name:
            if not is_system:
                yield number, f'"{name}": write includes from the root'
            continue
        if not _may_include(source.path, name):
            yield number, f"{source.path.rsplit('/', 1)[0]}/ must not include {name}"


def _may_include(path, name):
    folder, target = path.split("/")[0], name.split("/")[0]
    if folder == "tests":
        unit = re.match(r"tests/unit/(\w+)/", path)
        if unit is None or unit.group(1) not in FOLDERS or target == "tests":
            return True
        folder = unit.group(1)
    if target == folder:
        return True
    return any(name.startswith(allowed) for allowed in FOLDERS.get(folder, []))


def library_in_its_folder(source):
    """Each foreign library has one folder that knows it."""
    for number, name, is_system in source.includes:
        for prefix, owners in LIBRARIES.items():
            inside = source.path.startswith(tuple(f"{owner}/" for owner in (*owners, "tests")))
            if is_system and name.startswith(prefix) and not inside:
                yield number, f"only {'/, '.join(owners)}/ may include <{name}>"


def core_is_pure(source):
    """raft/ has no thread, clock, socket or file."""
    if source.folder != "raft":
        return
    for number, name, _ in source.includes:
        if name.startswith(IMPURE_HEADERS):
            yield number, f"raft/ is a pure function: it must not include {name}"
    yield from _calls(source, {call: "raft/ is a pure function" for call in IMPURE_CALLS})


def call_is_safe(source):
    """Calls that have a better one."""
    if source.is_c:
        yield from _calls(source, BANNED_CALLS)


def time_from_clock(source):
    """Above base/, the time comes from base/clock.h."""
    if not source.is_c or source.folder in ("base", "tests"):
        return
    yield from _calls(source, {call: "use base/clock.h" for call in CLOCK_CALLS})


def _calls(source, reasons):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(reasons) + r")\s*\(")
    for number, line in enumerate(source.code, 1):
        for match in pattern.finditer(line):
            yield number, f"{match.group(1)}(): {reasons[match.group(1)]}"


def file_is_short(source):
    if len(source.lines) - 1 > FILE_LINES_MAX:
        yield FILE_LINES_MAX, f"the file has {len(source.lines) - 1} lines, more than {FILE_LINES_MAX}"


def body_is_short(source):
    if not source.is_c:
        return
    for body in source.bodies:
        if len(body.lines) > BODY_LINES_MAX and not _is_dispatch(body):
            yield body.line, f"{body.name}() has {len(body.lines)} lines, more than {BODY_LINES_MAX}"


def _is_dispatch(body):
    """One switch whose cases are one statement each."""
    plain = re.compile(r"\t*(switch \(.*\) \{|case [^:]+:|default:|break;|return\b.*;|[\w.>-]+\(.*\);|\}|)$")
    switches = sum("switch (" in line for line in body.lines)
    return switches == 1 and all(plain.match(line.rstrip()) for line in body.lines)


def nesting_is_shallow(source):
    if not source.is_c:
        return
    for body in source.bodies:
        for offset, line in enumerate(body.lines, 1):
            depth = len(line) - len(line.lstrip("\t")) - 1
            if line.strip() and depth > NESTING_MAX:
                yield body.line + offset, f"{body.name}() is nested {depth} levels deep, more than {NESTING_MAX}"
                break


def own_header_first(source):
    if not source.path.endswith(".c") or not source.includes:
        return
    own = source.path[:-1] + "h"
    names = [name for _, name, _ in source.includes]
    if own in names and names[0] != own:
        yield source.includes[0][0], f"the file's own header {own} comes first"


def pragma_once(source):
    if source.is_header and "#pragma once" not in source.lines:
        yield 1, "a header has #pragma once"


def spdx_line(source):
    if source.path.endswith((".mk", ".md", ".am", ".ac")):
        return
    head = source.lines[1:2] if source.text.startswith("#!") else source.lines[:1]
    if not head or "SPDX-License-Identifier: Apache-2.0" not in head[0]:
        yield 1, "the first line (after #!) is the SPDX line"


def nothing_left_to_do(source):
    """What is missing is written down where work is planned, not in the code."""
    words = "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3))
    for number, line in enumerate(source.lines, 1):
        match = re.search(rf"\b({words})\b", line)
        if match:
            yield number, f"{match.group(1)}: finish it"


RULES = [included_from_folders, library_in_its_folder, core_is_pure, call_is_safe, time_from_clock, file_is_short,
         body_is_short, nesting_is_shallow, own_header_first, pragma_once, spdx_line, nothing_left_to_do]
