"""What a packet does to a flow: the tables of IPVS as data.

`tcp` and `sctp` are the tables, `directions` their first index, `transitions` moves a flow
through them with its time-outs.
"""
