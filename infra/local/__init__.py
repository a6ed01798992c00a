"""The whole system on one machine: emulated AWS, pumps, partner simulators, demo data."""
