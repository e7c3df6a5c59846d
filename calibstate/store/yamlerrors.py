"""What reading YAML raises.

Adapters do not read YAML, but libraries that they call do.
"""

from yaml import YAMLError

__all__ = ["YAMLError"]
