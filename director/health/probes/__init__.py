"""One file for each kind of probe: what is sent, and what answer is good.

`http` is a GET and its status.
"""
