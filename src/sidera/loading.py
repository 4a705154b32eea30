"""What loads slowly is loaded where it is needed, and by one thread at a time.

A package loads its modules and a module its package: a circle. Two threads that enter it at different places would
wait for each other for ever, so Python hands one of them a module that is half loaded ("cannot import name …").
Whoever imports inside a function that threads may call does it under `loading`; at the head of a file nobody does.
"""

import importlib
import sys
import threading
from types import ModuleType

loading = threading.RLock()
"""Held by the one thread that loads modules: ``with loading: from astropy.io import fits``."""


def load(name: str) -> ModuleType:
    """A module by its full name; what is loaded already waits for nobody.

    Raises
    ------
    ImportError
        There is no such module, or one that it needs.
    """
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        return module
    with loading:
        return importlib.import_module(name)
