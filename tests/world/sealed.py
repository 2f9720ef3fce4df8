"""What everything in a test is told instead of this machine's Git configuration."""

GIT_CONFIG = """\
[user]
	name = Person
	email = person@example.com
[init]
	defaultBranch = main
[commit]
	gpgSign = false
[maintenance]
	auto = false
"""
