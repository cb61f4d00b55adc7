"""The forwarding methods of `lvs-semantics` E: `nat` `dr` `tun` `local` `bypass`, on common `base`."""
