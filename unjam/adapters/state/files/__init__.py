"""The state's SQLite file as a file: looked at, copied, reopened, exchanged."""
