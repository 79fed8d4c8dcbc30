"""The command line: commands print and set the exit code, and no more."""
