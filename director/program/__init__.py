"""The composition: one configuration becomes one running director.

`service` makes the parts and lets every change pass; a change is a `candidate`, and `parts` is the life cycle
that they all share.  `configuration` reads a file as the program does it, `rights` says who else can write
it, `preflight` tries whether its servers can be reached, `host` whether this machine is as it needs to be.
The parts: `running` (the registry, the file it came from, and with `overrides` what operators changed over
it; `replica` is what workers have of it), `layer4` (of which some is `fixed` while it runs), `layer7`,
`certificates`, `acme` (which gets some of them), `services` (health, with its `health_memory`, and the
admin), `demos`, `guards`, `drills` with the `faults` that they inject, `pool_alerts`, `listen_alerts`,
`logs`, `state_directory`, `confirmation` (a reload that is undone unless it is confirmed), and beside them
`replay` (where the last requests would go), `packets` (what would become of one) and `supervision`, what
systemd is told.  `processes` holds both layers in processes of their own; `traffic` is what the rest asks of
them, wherever they run.  `control` is what admin and commands may ask, `banner` what a start prints,
`identifiers` those of requests, `memory` how a process treats its own, `version` which one it runs,
`surroundings` what it needs of the system, `signals` what those mean.  `simulation` plays all of it on a
clock and a network of its own.  With `upgrade` another program takes over.
"""
