"""What is effective: which calibration a lookup finds, and what changes it."""
