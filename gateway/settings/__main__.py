"""Writes the page of settings to standard output: `make docs`."""

import sys

from gateway.settings import describe_settings

sys.stdout.write(describe_settings())
