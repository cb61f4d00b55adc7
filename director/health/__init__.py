"""Active health checks: `plan` says what is probed and when, `verdict` what the results mean.

`probe_http` is the pure part of an HTTP check; the probes themselves live in `io`.
"""
