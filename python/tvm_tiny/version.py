"""The version, in the one place where it is written down: CMakeLists.txt and pyproject.toml read it here."""

__version__ = "0.1.0"
