#!/usr/bin/env python3
"""Ten thousand envelopes of every kind for fifty projects, hostile ones among them, to an upstream that takes some,
refuses some and limits some: the page, /stats, /metrics, the line at the end and `thaw stats` say the same, to the unit."""

import json
import os
import unittest
import xml.etree.ElementTree

import jsonschema

import crowd
import sandbox
import stats_command
import views
from relaying import balance

ENVELOPES = int(os.environ.get("ENVELOPES", "10000"))


class Agreement(stats_command.Case):
    """One large run, five views."""

    def test_five_views(self):
        thaw = self.thaw(**crowd.settings(self.upstream))
        stats = crowd.play(thaw, self.upstream, ENVELOPES)
        jsonschema.validate(stats, views.SCHEMA)
        balance(self, stats)
        answered = stats["envelopes"]["accepted"] + sum(stats["rejected"].values())
        self.assertEqual(answered, ENVELOPES)
        self.assertGreater(len(stats["items"]), 8)
        for loss in ("refused", "dropped"):
            self.assertTrue(any(items[loss] for items in stats["items"].values()), loss)

        metrics = views.samples(thaw.get("/metrics"))
        self.assertEqual({key: int(value) for key, value in metrics.items()
                          if value and key[0].startswith(("thaw_items_", "thaw_requests_rejected"))}, views.flat(stats))

        told = set()
        for figure in xml.etree.ElementTree.fromstring(thaw.get("/")).iterfind(".//data[@data-stat]"):
            path = figure.get("data-stat")
            if path.split("/")[0] in ("items", "envelopes", "rejected"):
                told.add(path)
                value = stats
                for name in path.split("/"):
                    value = value.get(name, 0)
                self.assertEqual(int(figure.get("value")), value, path)
        for category, items in stats["items"].items():
            wanted = {f"items/{category}/{fate}" for fate in views.FATES}
            wanted |= {f"items/{category}/{loss}/{why}" for loss in ("refused", "dropped") for why in items[loss]}
            self.assertLessEqual(wanted, told)

        running = json.loads(stats_command.thaw_stats("--url", f"http://127.0.0.1:{thaw.port}", "--json").stdout)
        self.assertEqual(running["items"], stats["items"])

        line = self.summary(thaw)
        summary = json.loads(line)
        for name in ("items", "envelopes", "rejected"):
            self.assertEqual(summary[name], stats[name])
        done = stats_command.thaw_stats("--json", text=line.encode())
        added = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1, "something was refused")
        self.assertEqual(stats_command.totals(added["items"], "inherited"), stats_command.totals(stats["items"]))
        self.assertEqual(added["rejected"], stats["rejected"])
        self.assertNotIn(sandbox.KEY, line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
