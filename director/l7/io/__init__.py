"""The shell of layer 7: sockets, and nothing that decides.

`stream` moves octets, `tls_stream` through TLS, and `pipes` let the kernel move them; `relayed` counts by
which way; `listener` and `endpoint` accept, for one address of one service that `listening` is;
`waiting` stands for an address that another program has, `sharing` opens one
for several processes.  `arrivals` see a connection through PROXY header and handshake, with `tls_contexts`;
`undecided` waits for the first octets to say which protocol it is.  `frontend` performs a
conversation's commands for one client over the `link` of each exchange to its server, `backend` holds the
connections to servers (`server_side`), each made in its `manner`, and `carriers` those that carry many
requests: a `carrier` each, and each request is `carried`; one is `faulty` on purpose (`misframed`: its
answer); `resolver` looks their names up, `attempts` tries a name's addresses, `queue` holds those who wait
for a server with room.  `access_log` formats records and `writer` writes them; `date` dates own answers;
`reactor` is the lean loop; `descriptors` counts them; `hang_ups` tell of resets behind a FIN; `service` ties
them together.
"""
