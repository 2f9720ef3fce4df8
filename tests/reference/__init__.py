"""The orchestrator and agents the recoveries are tried on: real programs, faithful in their faults."""
