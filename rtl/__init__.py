"""MyHDL compression engines."""
