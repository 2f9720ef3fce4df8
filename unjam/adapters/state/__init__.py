"""The orchestrator's database: what it believes, read without a trace and written row by row.

``read`` answers at once and never changes a file; ``write`` changes one row by compare-and-swap;
``dump`` copies a database for the vault. Only ``read`` of a file works without SQLAlchemy, whose
import alone would cost half of what a diagnosis may take.
"""
