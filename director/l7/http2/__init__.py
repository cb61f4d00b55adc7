"""HTTP/2 as octets and values (RFC 9113), on top of the library h2.

`connection` is the library's, mended where it is stricter or laxer than it should be, with `encoder` and
`decoder` in the place of its own; `side` owns a
connection's windows, what waits for them, and the bounds on what a peer may do; `frames` is that towards a
client, `upstream` towards a server.  `fields` turns fields into lines and back; `head` makes of a stream's
fields a request that everything behind it knows, judged by the same framer as HTTP/1's; `relay` turns a
server's response into frames.  `messages` turns requests of ours into fields, and a server's response in
HTTP/2 into octets of HTTP/1.  Who serves the streams is `l7.proxy.multiplexed`.
"""
