"""The scripts in configs/inject hold, every actor has one, and inject and trace_view keep their exit statuses."""

import os
import pathlib
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ.get("TUTTI_BIN", "build/bin"))
EXAMPLES = sorted(pathlib.Path("configs/inject").glob("*.inject"))


def run(program, *arguments, text=""):
    return subprocess.run([BIN / program, *arguments], input=text, capture_output=True, text=True, timeout=60,
                          check=False)


class Examples(unittest.TestCase):
    def test_every_example_holds(self):
        self.assertTrue(EXAMPLES)
        for example in EXAMPLES:
            with self.subTest(example=example.name):
                done = run("inject", example)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertRegex(done.stdout, r"all [1-9][0-9]* expectations hold")

    def test_every_actor_has_an_example(self):
        listed = [line.split(":")[0] for line in run("inject", "--list").stdout.splitlines() if line[0] != " "]
        self.assertGreaterEqual(len(listed), 12)
        self.assertEqual(sorted(listed), [example.stem for example in EXAMPLES])


class Inject(unittest.TestCase):
    def test_a_script_can_come_from_standard_input(self):
        done = run("inject", text="actor journal\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_does_not_hold_is_status_1(self):
        done = run("inject", "-", text="actor directory\nexpect silence\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard input:2: expected silence", done.stderr)

    def test_what_is_no_script_is_status_2(self):
        for arguments, text in ((["-"], "dance\n"), (["no/such/file"], ""), (["--dance"], ""), (["--replay", "x"], ""),
                                (["--replay", "no/such/file", "journal"], ""), (["--show", "Nonsense"], "")):
            with self.subTest(arguments=arguments):
                done = run("inject", *arguments, text=text)
                self.assertEqual(done.returncode, 2)
                self.assertTrue(done.stderr)

    def test_help_version_and_examples_of_messages(self):
        self.assertIn("accept 127.0.0.1:6000 as bob", run("inject", "--help").stdout)
        self.assertRegex(run("inject", "--version").stdout, r"^\d+\.\d+\.\d+\n$")
        shown = run("inject", "--show", "JoinGroup")
        self.assertEqual(shown.returncode, 0)
        self.assertRegex(shown.stdout, r'^JoinGroup\{group: ".+"\}\n$')


class TraceView(unittest.TestCase):
    def test_status_and_help(self):
        self.assertIn("--mermaid", run("trace_view", "--help").stdout)
        self.assertRegex(run("trace_view", "--version").stdout, r"^\d+\.\d+\.\d+\n$")
        self.assertEqual(run("trace_view").returncode, 2)
        self.assertEqual(run("trace_view", "no/such/file").returncode, 1)
        with tempfile.NamedTemporaryFile() as text:
            text.write(b"not a trace")
            text.flush()
            done = run("trace_view", text.name)
            self.assertEqual(done.returncode, 1)
            self.assertIn("this is no trace", done.stderr)


if __name__ == "__main__":
    unittest.main()
