"""Partners played on this machine, each in its own protocol, so that the real adapters run with no test branches."""
