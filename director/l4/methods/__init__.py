"""The forwarding methods of `lvs-semantics` E: `nat` `dr` `tun` `local` `bypass`, on common `base`.

`table` says which function carries out which method; what is true of one stands in `model.pools`.  A new
method is a word and a row there, a file here and a line in `table`.
"""
