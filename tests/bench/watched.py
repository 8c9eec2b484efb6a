"""One process as the kernel accounts for it, looked at every two milliseconds until it ends."""

import bisect
import pathlib
import threading
import time

PROC = pathlib.Path("/proc")


class Watched:
    """The first process called `name` below the process `ancestor`: when it had used how much processor time, and its
    largest resident size."""

    def __init__(self, ancestor, name):
        self.ancestor, self.name = ancestor, name
        self.times, self.used = [], []  # epoch ms; ms of processor time
        self.peak_kib = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def ended(self):
        """Waits for the end of what is watched."""
        self._thread.join()
        return self

    def cpu_ms(self, begin=0.0, end=float("inf")):
        """Processor time between two moments, epoch ms."""
        return self._at(end) - self._at(begin)

    def _at(self, moment):
        place = bisect.bisect_right(self.times, moment)
        return self.used[place - 1] if place else 0.0

    def _watch(self):
        while (process := self._find(self.ancestor)) is None:
            if not (PROC / str(self.ancestor)).exists():
                return
            time.sleep(0.002)
        try:
            while True:
                used = (process / "schedstat").read_text().split()[0]
                self.times.append(time.time() * 1000)
                self.used.append(int(used) / 1e6)
                if len(self.times) % 8 == 0:
                    self._look_at_memory(process)
                time.sleep(0.002)
        except OSError:
            pass  # it has ended

    def _look_at_memory(self, process):
        for line in (process / "status").read_text().splitlines():
            if line.startswith("VmHWM"):
                self.peak_kib = int(line.split()[1])

    def _find(self, parent):
        try:
            tasks = list((PROC / str(parent) / "task").iterdir())
            children = [child for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            return None
        for child in children:
            try:
                if (PROC / child / "comm").read_text().strip() == self.name:
                    return PROC / child
            except OSError:
                continue
        return next((found for found in map(self._find, children) if found), None)
