"""Tests of one module at a time, without processes or sockets of others."""
