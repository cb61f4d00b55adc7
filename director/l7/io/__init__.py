"""The shell of layer 7: sockets, and nothing that decides.

`stream` moves octets, `listener` and `endpoint` accept, `sharing` opens an
address for several processes, `frontend` performs a conversation's commands for
one client, `backend` holds the connections to servers, `resolver` looks their names up and `attempts` tries
the addresses of one, `queue` holds those who wait for a server with room.  `access_log` formats records and
`writer` writes them; `date` dates own answers; `reactor` is the lean loop; `service` ties them together.
"""
