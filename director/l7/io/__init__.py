"""The shell of layer 7: sockets, and nothing that decides.

`stream` moves octets, `listener` accepts, `frontend` performs a conversation's commands for one
client, `backend` holds the connections to servers, `sweeper` delivers deadlines, `access_log`
writes records, `reactor` is the lean loop, `service` ties them together.
"""
