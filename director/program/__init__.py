"""The composition: one configuration becomes one running director.

`service` starts, changes and stops the parts: `layer4`, `layer7`, `control` (what admin and commands may
ask), `overrides` (operators' changes over the file), `pool_alerts`, `listen_watch`, `logs`.  `configuration`
reads a file as the program does it, `preflight` tries whether its servers can be reached, `host` whether
this machine is as it needs to be, `banner` is what a start prints.
"""
