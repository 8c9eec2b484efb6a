#!/usr/bin/env python3
"""Where the function logs JSON, each line of Thaw is one object that Lambda can filter, whatever text is in it."""

import datetime
import json
import unittest

import sandbox

HOSTILE = 'x"}\n{"level":"FATAL","message":"\\\x01\x1b[2J\udcff…' * 3
LEVELS = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}  # AWS docs, "Log-level filtering"


class JsonLog(unittest.TestCase):
    """One function, each spelling of the format."""

    def lines(self, log_format):
        """Thaw's lines, with settings that it complains of."""
        run = sandbox.run(
            "python", "invoke*2 spindown", thaw=True, events=[{"errors": 1, "flush": True}],
            env={"AWS_LAMBDA_LOG_FORMAT": log_format, "THAW_BUDGET_MS": HOSTILE, "THAW_LOG": HOSTILE,
                 "THAW_ALLOWED_HOSTS": f"{HOSTILE},.", "THAW_SPOOL_DIR": HOSTILE})
        self.assertEqual(len(run.arrived), 2)
        return run.report["extension_log"]

    def test_each_line_is_an_object(self):
        for log_format in ("JSON", "json"):
            with self.subTest(log_format):
                lines = [json.loads(line) for line in self.lines(log_format)]
                for line in lines:
                    stamp = datetime.datetime.strptime(line["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")
                    age = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - stamp
                    self.assertLess(abs(age), datetime.timedelta(minutes=5))
                    self.assertIn(line["level"], LEVELS - {"FATAL"})
                    self.assertTrue(line["message"].startswith("thaw: "), line)
                for name in ("THAW_BUDGET_MS", "THAW_LOG", "THAW_ALLOWED_HOSTS", "THAW_SPOOL_DIR"):
                    self.assertTrue(any(line["message"].startswith(f"thaw: {name}: ") for line in lines), name)
                self.assertEqual(lines[-1]["message"], "thaw: summary")
                self.assertEqual(lines[-1]["items"]["error"]["accepted"], 2)

    def test_plain_text_otherwise(self):
        *said, summary = self.lines("Text")
        for line in said:
            self.assertTrue(line.startswith("thaw: WARN THAW_"), line)
        self.assertNotIn("timestamp", json.loads(summary))


if __name__ == "__main__":
    unittest.main(verbosity=1)
