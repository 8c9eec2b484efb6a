"""The modules that the soak's function and its upstream share lie with the function."""

import importlib
import sys

import sandbox

FOLDER = sandbox.ROOT / "tests/functions/soak"
sys.path.append(str(FOLDER))
codings = importlib.import_module("codings")
traffic = importlib.import_module("traffic")
