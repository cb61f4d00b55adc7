"""The commands of `director`, one file for one or for a few that belong together.

`table` has them in the order of the help.  Looking: `check`, `show`, `why`, `probe`.  Changing: `servers`
(ready, drain, maint, weight), `objects` (add, remove), `generations` (undo, reload, confirm, upgrade),
`token`.  Around it: `config`, `lab`, `passwd`, `drill`, `completion`.
"""
