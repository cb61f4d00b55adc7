"""What exists now, and the few verbs that change it.

`registry` owns pools, servers, services and generations, its `health_book` what checks found; `live` is a
server or pool that lives; `changes` are values with the text of their audit line, made of the registry's
`primitives`, `draft` tries them on a copy, `edits` are differences that can be laid over another
configuration; `selection` is the one place that chooses, `warming` keeps new work from servers that come
back; `ledger` has the verbs by which data paths claim, release and count; `counters` are what they count in,
`watch` what they see of a server's health, `seats` the clients of a service; `cells`, `mapped` and `books`
let claims count across processes, in the memory of `io`; `snapshot` is what outsiders see, `reports` what
parts of the program say of themselves, `evidence` what checks say, `rehearsal` what changes would make of it,
`reload_guard` when a reload does harm, `guards` what a change would break, `outage` what clients get without
a pool, `procfs` figures as the kernel's IPVS writes them.
"""
