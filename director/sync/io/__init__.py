"""Connection synchronisation at work.

`sockets` open the multicast ends, `master` tells, `backup` learns, `service` runs both as the settings say.
"""
