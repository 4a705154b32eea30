"""The version, alone in its file so that ``sidera --version`` and the build read it without importing anything."""

__version__ = "0.1.0"
