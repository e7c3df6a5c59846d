"""Where calibrations are made: what was made, and what makes it."""
