"""Everything about an orchestration, seen at one instant."""
