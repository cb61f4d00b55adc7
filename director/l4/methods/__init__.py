"""The forwarding methods of `lvs-semantics` E, one file each: nat, dr, tun, local, bypass."""
