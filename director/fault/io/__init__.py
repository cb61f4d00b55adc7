"""What of faults needs a clock: `timed` ends each when its time is over, whoever started it."""
