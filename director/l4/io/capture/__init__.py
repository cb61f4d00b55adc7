"""Taking virtual addresses away from the host's stack, and giving them back.

`plan` (what to take), `rules` (as nftables text), `install` by `nft`, kept right by `follow` with `nftwatch`.
"""
