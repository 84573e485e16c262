# SPDX-License-Identifier: Apache-2.0
"""A source file as the rules see it: its lines, its code without comments and literals, and its function bodies."""

import re
from dataclasses import dataclass
from functools import cached_property

_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def _blank(match):
    """A comment becomes spaces, a literal an empty one; newlines stay, so that line numbers do."""
    text = match.group()
    if text[0] in "\"'":
        return text[0] * 2
    return re.sub(r"[^\n]", " ", text)


@dataclass(frozen=True)
class Body:
    name: str
    line: int  # of its opening brace
    lines: list  # without the braces


class Source:
    def __init__(self, path, text):
        self.path, self.text = path, text

    @property
    def folder(self):
        return self.path.split("/")[0]

    @property
    def is_c(self):
        return self.path.endswith((".c", ".h"))

    @property
    def is_header(self):
        return self.path.endswith(".h")

    @cached_property
    def lines(self):
        return self.text.split("\n")

    @cached_property
    def code(self):
        return _TOKEN.sub(_blank, self.text).split("\n") if self.is_c else self.lines

    @cached_property
    def includes(self):
        """(line, name, is_system) of each #include."""
        found = []
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                found.append((number, match.group(2), match.group(1) == "<"))
        return found

    @cached_property
    def bodies(self):
        """Function bodies. The house format opens and closes them, and nothing else after a ')', in the first column."""
        found, start = [], None
        for number, line in enumerate(self.code, 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                head = " ".join(self.code[max(0, start - 6):start - 1])
                names = re.findall(r"(\w+)\s*\(", head)
                found.append(Body(names[-1] if names else "?", start, self.code[start:number - 1]))
                start = None
        return found
