"""One client connection and its exchanges, without I/O: events in, commands out.

`conversation` is the door; `exchange` is one request and its answer, in a `phase`; `request_head` judges
it, `dispatch` chooses and chooses again, `request_body` and `response` move octets, `local_reply` and
`answering` answer without a server, `accounting` ends it, `trace` is what remains.  `commands` are what the
shell shall do.
"""
