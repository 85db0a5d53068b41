"""One file a vendor; its SDK is imported nowhere else."""
