"""What comes before the first octet of a protocol: who is at the other end, and whom they want.

`proxy_protocol` reads and writes the header by which a balancer tells the client's address, `client_hello`
reads the names in a TLS greeting without ending TLS.  Pure: octets in, values out; both see length before
content.
"""
