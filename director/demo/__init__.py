"""What a newcomer tries without anything else: embedded servers, and layer 4 in namespaces.

`servers` answers for `[demo:NAME]`, with `websocket`, and `authority` signs for it; `certificate` makes the
pair of the example for TLS.
`lab` plays the scenes of `director lab` on a `topology` of namespaces that `netns` makes; `lab_server` and
`decapsulate` are the programs inside.
"""
