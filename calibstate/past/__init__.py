"""What was declared before, and how it was declared otherwise since."""
