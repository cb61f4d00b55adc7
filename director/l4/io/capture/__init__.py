"""Taking virtual addresses away from the host's stack, and giving them back.

`plan` (what to take), `rules` (as nftables text), `tables` (where they stand, by `nft`), `addresses` (where
each must be), `announce` (telling the neighbours), `install` (all of that, and the file that remembers it),
kept right by `follow` with `nftwatch`.
"""
