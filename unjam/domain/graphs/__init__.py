"""Mathematics of directed graphs, and their pictures."""
