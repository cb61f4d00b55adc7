"""HTTP/1.1 as octets and values (RFC 9110, 9112), both sides, nothing repaired.

`requests` and `responses` read heads, `body` frames bodies, `fields` sorts field lines, `target` normalises
a request's target, `grammar` has the expressions, `writing` makes heads, `response_relay` turns a server's
answer into the client's framing, `memo` remembers what octets mean within bounds.
"""
