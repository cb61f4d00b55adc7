"""What the commands print: JSON of the API in, lines of text out.  Pure.

`table` aligns columns and keeps text from steering a terminal, `units` writes rates and times, `listings` has
a table for each kind of thing, `drills` those of faults and drills, `changes` what an order did, `stories`
why a request went where it went, `proofs` what is known of a server's health.
"""
