"""One client connection and its exchanges, without I/O: events in, commands out.

`commands` are the two vocabularies and the door; `client` is what an exchange may ask of its connection;
`exchange` is one request and its response: the table of its life, its record and its verbs (`injected` for
tries that meet a fault on purpose).  On these
stand, each knowing only those before it: `local_reply` (responses without a server), `dispatch` (choose,
queue, try again, fault path), `request_body` and `response` (octets either way), `request_head` (the first
step), `accounting` (the end), and two codecs: `conversation` for HTTP/1, `multiplexed` over `streams` for
HTTP/2; `passthrough` is for clients whose TLS is passed on unread.  `trace` is what remains, `trace_field`
what a client is told of it.
"""
