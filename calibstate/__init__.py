"""Keep calibrations as declared, in every data butler repository."""

__all__ = ["__version__"]

__version__ = "0.1.0"
