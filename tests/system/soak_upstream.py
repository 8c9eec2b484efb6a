"""Sentry on a bad day: an upstream whose mood changes by chance. It remembers the marks of what it has taken, nothing else."""

import random
import threading

import relaying
from soak_parts import codings, traffic

# Moods in which nothing that was acknowledged may be missing, and those in which Thaw may have to drop, counted.
KIND = ("well", "well", "well", "503", "slow", "refuse")
HARSH = (*KIND, "429", "limits", "500", "reset", "black hole", "413")
SLOW = 0.6  # seconds
LIMITED = ("error", "session")
LIMITS = {"X-Sentry-Rate-Limits": f"2:{';'.join(LIMITED)}:organization"}
STATUS = {"503": 503, "500": 500, "413": 413}


class SoakUpstream(relaying.Upstream):
    """`moods`: those that turn() chooses from."""

    def __init__(self, moods, seed, context=None):
        self.moods = moods
        self.chance = random.Random(seed)
        self.mood = "well"
        self.turned = threading.Event()
        self.arrived = set()
        self.answered = 0
        super().__init__(context=context)

    def turn(self, mood=None):
        """Another mood, a given one or by chance. Whoever still waits for an answer is reset."""
        before, self.mood = self.mood, mood or self.chance.choice(self.moods)
        over, self.turned = self.turned, threading.Event()
        over.set()
        if before != "refuse" and self.mood == "refuse":
            self.close()
        if before == "refuse" and self.mood != "refuse":
            self.open()

    def take(self, request):
        """What the mood makes of it."""
        mood, turned = self.mood, self.turned
        if mood == "black hole":
            turned.wait(60)
        if mood in ("black hole", "reset"):
            raise ConnectionResetError(mood)
        if mood == "slow":
            turned.wait(SLOW)  # the upstream's latency
        if mood in STATUS:
            return STATUS[mood], {}
        self.remember(request, LIMITED if mood == "429" else ())
        return (429 if mood == "429" else 200), (LIMITS if mood in ("429", "limits") else {})

    def remember(self, request, but):
        """Marks of all items but those of some categories."""
        _, path, headers, body = request
        data = path.encode() + codings.decoded(headers.get("Content-Encoding"), body)
        marks = {mark.group().decode() for mark in traffic.MARK.finditer(data) if mark.group(1).decode() not in but}
        with self.lock:
            self.answered += 1
            self.arrived |= marks
