"""Health checks: `schedule` says what is probed and when, `verdict` what the results mean.

`probes` has the pure part of each kind; what touches the network lives in `io`.
"""
