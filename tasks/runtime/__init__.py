"""What Prefect itself needs: its backend, runs that died, the form, names and retries."""
