#!/usr/bin/env python3
"""Plants violations in a small tree and shows that lint.py finds each, and nothing in a clean one."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lint

CLEAN = {
    ".ci/run": "#!/bin/sh\nexec scripts/test\n",
    "messages/units.hpp": "#pragma once\n#include <cstdint>\n#include <msgpack.hpp>\n",
    "messages/words.hpp": "#pragma once\n#include \"messages/units.hpp\"\nTUTTI_MESSAGE(Ask, 0x0101);\n"
                          "TUTTI_MESSAGE(Tell, 0x0102, what);\n",
    "actors/zmq_host.cpp": "#include <zmq.hpp>\n#include \"messages/units.hpp\"\nstd::thread worker;\n",
    "actors/clock.cpp": "auto now = std::chrono::steady_clock::now();\n",
    "actors/timers.cpp": "// steady_clock is not for us, nor is std::thread\nauto text = \"sleep_for(1)\";\n",
    "tracker/directory.hpp": "#pragma once\n#include \"messages/words.hpp\"\n#include \"tutti_version.hpp\"\n",
    "peer/picker.hpp": "#pragma once\n#include <fmt/format.h>\nint bedtime(int);  // not sleep( at all\n",
    "shell/main.cpp": "#include \"peer/picker.hpp\"\n",
    "shell/programs/inject.cpp": "#include \"tracker/directory.hpp\"\n#include \"peer/picker.hpp\"\n",
    "shell/programs/trace_view/args.cpp": "#include \"tracker/directory.hpp\"\n",
    "tests/unit/peer/picker_test.cpp": "#include \"peer/picker.hpp\"\n#include \"tracker/directory.hpp\"\n",
    "README.md": "What we do at work/play is written to ~/work/notes.\n",
    "build/dev/generated.cpp": "#include \"nowhere.hpp\"\n",
}

# One file each that breaks one rule, and what the finding has to say.
PLANTED = [
    ("messages/a.hpp", '#pragma once\n#include "actors/zmq_host.cpp"\n', "messages may not include actors/"),
    ("messages/a.hpp", "#pragma once\n#include <spdlog/spdlog.h>\n", "messages/ knows"),
    ("actors/a.cpp", '#include "tracker/directory.hpp"\n', "actors may not include tracker/"),
    ("actors/a.cpp", "#include <peer/picker.hpp>\n", "actors may not include peer/"),
    ("tracker/a.cpp", '#include "peer/picker.hpp"\n', "tracker may not include peer/"),
    ("tracker/a.cpp", '#include "shell/table.hpp"\n', "tracker may not include shell/"),
    ("peer/a.cpp", '#include "tracker/directory.hpp"\n', "peer may not include tracker/"),
    ("peer/a.cpp", '  #  include "shell/main.cpp"\n', "peer may not include shell/"),
    ("peer/a.cpp", '#include "../tracker/directory.hpp"\n', "is no file of the project"),
    ("peer/a.cpp", '#include "picker.hpp"\n', "is no file of the project"),
    ("peer/a.cpp", '#include "tests/support/x.hpp"\n', "peer may not include tests/"),
    ("shell/a.cpp", '#include "tracker/directory.hpp"\n', "shell may not include tracker/"),
    ("shell/programs/client.cpp", '#include "tracker/directory.hpp"\n', "shell may not include tracker/"),
    ("peer/a.cpp", "#include <zmq.hpp>\n", "may include zmq.hpp"),
    ("actors/a.cpp", "#include <zmq.h>\n", "may include zmq.h"),
    ("tracker/zmq_host.cpp", "#include <zmq_addon.hpp>\n", "may include zmq_addon.hpp"),
    ("peer/a.cpp", "std::jthread worker;\n", "std::jthread belongs into a host"),
    ("peer/a.cpp", "auto t = std::chrono::system_clock::now();\n", "system_clock belongs into a host"),
    ("actors/a.cpp", "auto t = steady_clock::now();\n", "steady_clock belongs into a host"),
    ("shell/programs/client.cpp", "std::this_thread::yield();\n", "std::this_thread belongs into a host"),
    ("tracker/a.cpp", "std::mt19937_64 dice;\n", "mt19937_64 belongs into a host"),
    ("tracker/a.cpp", "int x = rand();\n", "rand( belongs into a host"),
    ("tracker/a.cpp", "randombytes_buf(salt, 16);\n", "randombytes_buf belongs into a host"),
    ("tracker/a.cpp", "auto t = time(nullptr);\n", "time(nullptr) belongs into a host"),
    ("tracker/a.cpp", "usleep(5);\n", "an actor never blocks"),
    ("tests/unit/peer/a.cpp", "std::this_thread::sleep_for(1s);\n", "a test waits for the event"),
    ("tests/system/a.py", "time.sleep(1)\n", "a test waits for the event"),
    ("tracker/a.cpp", "// TODO: later\n", "TODO: finish it"),
    ("README.md", "FIXME\n", "FIXME: finish it"),
    ("README.md", "Look into /work" + "/main for it.\n", "is a path of one machine"),
    ("configs/a.toml", 'state = "/tmp/' + 'brief/x"\n', "is a path of one machine"),
    ("messages/more.hpp", "#pragma once\nTUTTI_MESSAGE(Again,\n              257);\n", "has the number 0x0101 of"),
    ("messages/a.hpp", "int x;\n", "#pragma once"),
    (".ci/run", "#!/bin/sh\nctest\n", "has to run exactly scripts/test"),
    (".ci/run", "#!/bin/sh\n# exec scripts/test\n", "has to run exactly scripts/test"),
]


def findings_of(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return lint.findings(root)


class PlantedViolations(unittest.TestCase):
    def test_a_clean_tree_is_clean(self):
        self.assertEqual(findings_of(CLEAN), [])

    def test_each_violation_is_found(self):
        for name, text, sentence in PLANTED:
            with self.subTest(name=name, text=text):
                found = [each for each in findings_of({**CLEAN, name: text}) if each.path.startswith(name.split("/")[0])]
                self.assertTrue(any(sentence in each.sentence for each in found), found)

    def test_every_check_has_a_violation_that_it_finds(self):
        all_planted = [lint_check.__name__ for lint_check in lint.CHECKS]
        seen = set()
        with tempfile.TemporaryDirectory() as root:
            for name, text, _ in PLANTED:
                tree = lint.Tree(pathlib.Path(root))
                tree.files = {**CLEAN, name: text}
                seen |= {check.__name__ for check in lint.CHECKS if list(check(tree))}
        self.assertEqual(sorted(seen), sorted(all_planted))

    def test_a_finding_names_its_line(self):
        found = findings_of({**CLEAN, "peer/a.cpp": "/* one\n two */\nint x;\nstd::thread t;\n"})
        self.assertEqual([(each.path, each.line) for each in found], [("peer/a.cpp", 4)])


if __name__ == "__main__":
    unittest.main()
