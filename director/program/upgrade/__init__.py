"""A new program takes the place of the running one, and no request is lost: `director upgrade`, SIGUSR2.

    the running program                                the new one
    upgrade asked
    `successor`: starts it, with its `bequest`   ->    `heritage`: what was left to it
      listening sockets, state_dir and its lock        reads the file, opens what is new, starts workers
    both accept from the same sockets            <-    let go
    admin, layer 4, certificates end             ->    they start here
    answers who asked; no longer main            <-    ready; `pidfile`
    stops within shutdown_grace                        goes on

What is left goes over by `processes.bequest`.  Whatever fails before `let go` is answered changes nothing;
what fails behind it is taken back.  `upgrade` is the part of the running program that leads through it,
`starting` how it was started itself.
"""
