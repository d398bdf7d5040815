"""The conformance kit: what a sound plugin does, one function per rule."""
