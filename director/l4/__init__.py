"""Layer 4: the director on raw sockets (`lvs-semantics` B to H).

The pure room: packets in, verdicts out.  `forwarder` is the door: known flows on its hot path, the rest by
`inbound` (from clients), `outbound` (from servers) and `icmp_relay` (ICMP about flows).
New flows: `services` (whose packet), `admission` (may it), `persistence` and `sip` (who belongs where),
`key` (what a scheduler may ask), `defence` (floods); `closing` and `reset` cut them; `injected` does to their
packets what faults say.
Flows: `flows` (the table), `one_packet` (answers without one), `timers`, `states` (tables and transitions).
Packets: `wire` (headers), `fragments`, `methods` (how they reach a server), `output` and `routing` (the way
out), `icmp` (errors of our own), `apps` (addresses in payloads), `verdicts` (what the shell does).
`twins` is what becomes of flows whose service gets another pool, `here` what servers on this machine lack.
`listing` is what people see, `saved` what outlives the process, `synced` what other directors are told and
tell.  The shell that owns rings, netlink and the capture of virtual addresses is `io`.
"""
