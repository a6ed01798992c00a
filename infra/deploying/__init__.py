"""The parts of `python -m infra.deploy`: each step of a deployment, and what several of them share."""
