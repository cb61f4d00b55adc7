"""Active health checks: what to probe and when, and what the results mean; probes live in `io`."""
