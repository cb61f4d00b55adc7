"""Command-line tools; they speak the admin API over the control socket."""
