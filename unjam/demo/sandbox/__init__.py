"""Programs that `unjam demo` breaks: a small shop, an orchestrator, agents. None of it is a part of unjam."""
