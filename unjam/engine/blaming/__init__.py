"""Find out which landed work broke the tests: runs, reports, records, and the search over them."""
