"""HTTP/2 as octets and values (RFC 9113), on top of the library h2.

`head` makes of a stream's fields a request that everything behind it knows, judged by the same framer as
HTTP/1's; `frames` owns the connection's windows, what waits for them, and the bounds on what a client may
do; `relay` turns a server's response into frames.  Who serves the streams is `l7.proxy.multiplexed`.
"""
