#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule finds what it is for, and leaves its neighbour alone."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import rules  # noqa: E402
from lint import badly_formatted, broken_header, has_formatter  # noqa: E402
from source import Source  # noqa: E402

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def body(*lines):
    return "int thing_do(int a)\n{\n" + "".join(line + "\n" for line in lines) + "}\n"


# rule: (path, bad text), (path, good text)
SAMPLES = {
    rules.included_from_folders: [
        (("raft/a.c", '#include "store/kv.h"\n'), ("raft/a.c", '#include "base/err.h"\n#include "raft/b.h"\n')),
        (("replica/a.c", '#include "store/db.h"\n'), ("replica/a.c", '#include "store/store.h"\n')),
        (("fs/a.c", '#include "api/api.h"\n'), ("fs/a.c", '#include "replica/replica.h"\n')),
        (("cli/a.c", '#include "replica/replica.h"\n'), ("cli/a.c", '#include "api/control.pb-c.h"\n')),
        (("fs/a.c", '#include "b.h"\n'), ("fs/a.c", '#include "fs/b.h"\n')),
        (("tests/unit/fs/test_a.c", '#include "store/db.h"\n'), ("tests/unit/fs/test_a.c", '#include "tests/unit/unit.h"\n')),
        (("mountd/a.c", '#include "fs/plan.h"\n'), ("mountd/a.c", '#include "fs/fs.h"\n')),
    ],
    rules.library_in_its_folder: [
        (("fs/a.c", "#include <rocksdb/c.h>\n"), ("store/a.c", "#include <rocksdb/c.h>\n")),
        (("raft/a.c", "#include <nng/nng.h>\n"), ("replica/a.c", "#include <nng/nng.h>\n")),
        (("mountd/a.c", "#include <fuse3/fuse_lowlevel.h>\n"), ("fs/a.c", "#include <fuse_lowlevel.h>\n")),
        (("cli/a.c", "#include <jansson.h>\n"), ("api/a.c", "#include <jansson.h>\n")),
    ],
    rules.core_is_pure: [
        (("raft/a.c", "#include <sys/socket.h>\n"), ("replica/a.c", "#include <sys/socket.h>\n")),
        (("raft/a.c", '#include "base/clock.h"\n'), ("raft/a.c", '#include "base/random.h"\n')),
        (("raft/a.c", body('\tprintf("x");')), ("raft/a.c", body("\tsnprintf(b, 2, format);"))),
    ],
    rules.call_is_safe: [
        (("fs/a.c", body("\tstrcpy(a, b);")), ("fs/a.c", body("\tmy_strcpy(a, b); /* strcpy() */"))),
        (("fs/a.c", body("\tassert (a);")), ("fs/a.c", body('\tassert_int_equal(a, "assert(x)");'))),
        (("tests/a.c", body("\tusleep(3);")), ("tests/a.c", body("\tlist->sleep(3);"))),
    ],
    rules.time_from_clock: [
        (("store/a.c", body("\ttime(NULL);")), ("base/clock.c", body("\ttime(NULL);"))),
    ],
    rules.file_is_short: [(("fs/a.c", "\n" * 801), ("fs/a.c", "\n" * 800))],
    rules.body_is_short: [
        (("fs/a.c", body(*["\ta++;"] * 71)), ("fs/a.c", body(*["\ta++;"] * 70))),
        (("fs/a.c", body("\tswitch (a) {", *["\tcase 1:", "\t\tif (b)", "\t\t\treturn c(b);"] * 30, "\t}")),
         ("fs/a.c", body("\tswitch (a) {", *["\tcase 1:", "\t\treturn c(b);"] * 45, "\t}", "\treturn 0;"))),
    ],
    rules.nesting_is_shallow: [
        (("fs/a.c", body("\t" * 5 + "a++;")), ("fs/a.c", body("\t" * 4 + "a++;"))),
    ],
    rules.own_header_first: [
        (("fs/a.c", '#include <stdio.h>\n#include "fs/a.h"\n'), ("fs/a.c", '#include "fs/a.h"\n#include <stdio.h>\n')),
    ],
    rules.pragma_once: [(("fs/a.h", SPDX), ("fs/a.h", SPDX + "#pragma once\n"))],
    rules.spdx_line: [
        (("fs/a.c", "\n" + SPDX), ("fs/a.c", SPDX)),
        (("tests/a.py", "#!/bin/x\n"), ("tests/a.py", "#!/bin/x\n# SPDX-License-Identifier: Apache-2.0\n")),
    ],
    rules.nothing_left_to_do: [(("fs/a.c", "/* TO" + "DO: more */"), ("fs/a.c", "/* to do so */"))],
}


class Rules(unittest.TestCase):
    def test_each_rule_has_a_sample(self):
        self.assertEqual(set(SAMPLES), set(rules.RULES))

    def test_each_rule_finds_its_bad_sample_and_no_good_one(self):
        for rule, pairs in SAMPLES.items():
            for bad, good in pairs:
                with self.subTest(rule=rule.__name__, bad=bad[1][:60]):
                    self.assertTrue(list(rule(Source(*bad))))
                    self.assertEqual(list(rule(Source(*good))), [])

    def test_a_complaint_names_the_line(self):
        self.assertEqual([line for line, _ in rules.call_is_safe(Source("fs/a.c", body("", "\tgets(a);")))], [4])

    @unittest.skipUnless(has_formatter(), "no clang-format of that version")
    def test_a_badly_formatted_file_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, ".clang-format").write_text("UseTab: ForIndentation\n")
            for name, text in (("bad.c", "int   a;\n"), ("good.c", "int a;\n")):
                Path(folder, name).write_text(text)
            complaints = badly_formatted(folder, ["bad.c", "good.c"])
            self.assertEqual([text.split(":")[0] for text in complaints][:1], ["bad.c"])
            self.assertFalse([text for text in complaints if text.startswith("good.c")])

    @unittest.skipUnless(os.environ.get("CC"), "no compiler was named")
    def test_a_header_that_needs_another_one_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            flags = f"-I{folder}"
            for name, text in (("bad.h", "size_t size(void);\n"), ("good.h", "int size(void);\n")):
                Path(folder, name).write_text(text)
            self.assertIn("size_t", broken_header("bad.h", os.environ["CC"], flags))
            self.assertEqual(broken_header("good.h", os.environ["CC"], flags), "")


if __name__ == "__main__":
    unittest.main()
