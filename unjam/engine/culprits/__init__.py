"""Find out which landed work broke the tests: runs, reports, and the search over them."""
