"""What of faults and drills needs a clock and a network.

`timed` ends each fault when its time is over, whoever started it; `runner` runs a drill, `load` sends its
requests.
"""
