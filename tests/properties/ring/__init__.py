"""Ring 1: a deterministic scheduler that interleaves our code at its calls to AWS and plants faults in them."""
