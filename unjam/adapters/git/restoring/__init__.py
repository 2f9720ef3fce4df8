"""What a salvage holds, brought back or carried away."""
