"""How the environment variables are called that override the file."""

ENVIRONMENT = "UNJAM_"
DELIMITER = "__"
