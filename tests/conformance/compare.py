# SPDX-License-Identifier: Apache-2.0
"""Two transcripts of one case, field by field, against the list of what is meant to differ."""


SHOWN_LETTERS_MAX = 300


class Word:
    def __init__(self, text):
        self._text = text

    def __repr__(self):
        return self._text


ABSENT = Word("ABSENT")  # no such field
ANSWER = Word("ANSWER")  # in a list of differences: any answer that is no error

ANY = Word("ANY")  # in a list of differences: whatever it is


def compare(etcd, etcfs):
    """[(path, what etcd says, what etcfs says)] of two lists of (label, answer). A path begins with the number of the step."""
    if len(etcd) != len(etcfs):
        return [("steps", len(etcd), len(etcfs))]
    found = []
    for number, ((_, theirs), (_, ours)) in enumerate(zip(etcd, etcfs)):
        _walk(str(number), theirs, ours, found)
    return found


def _walk(path, theirs, ours, found):
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in [*theirs, *(key for key in ours if key not in theirs)]:
            _walk(f"{path}.{key}", theirs.get(key, ABSENT), ours.get(key, ABSENT), found)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (one, other) in enumerate(zip(theirs, ours)):
            _walk(f"{path}[{number}]", one, other, found)
    elif theirs != ours or type(theirs) is not type(ours):
        found.append((path, theirs, ours))


def matches(meant, said):
    if meant is ANSWER:
        return isinstance(said, (dict, list))
    return meant is ANY or meant == said


def judge(found, meant):
    """What is wrong, as (path, words): differences that nobody meant, and meant ones that do not show."""
    left, wrong = list(meant), []
    for path, theirs, ours in found:
        hit = next((one for one in left if one.path == path and matches(one.etcd, theirs) and matches(one.etcfs, ours)), None)
        if hit:
            left.remove(hit)
        else:
            wrong.append((path, f"etcd {_short(theirs)}, etcfs {_short(ours)}"))
    wrong += [(one.path, f"is meant to differ ({one.why}): etcd {_short(one.etcd)}, etcfs {_short(one.etcfs)}; it does not")
              for one in left]
    return wrong


def _short(value):
    text = repr(value)
    return text if len(text) <= SHOWN_LETTERS_MAX else f"{text[:SHOWN_LETTERS_MAX]}..."
