"""Health checks: who is asked, how, and what the answers and real traffic mean.

`schedule` says what is probed and when, `verdict` what the results mean; `passive` judges by real traffic;
`kept` is evidence as text, `kept_traffic` that of traffic.  `probes` has the pure part of each kind; what
touches the network lives in `io`.
"""
