"""All of Postroom in one thread, in virtual time, under faults that are drawn from a number.

A run is drawn from its *seed*: what arrives, what fails, who runs first. The processes are the real
ones, wired as in the container; the network, the clock and the stores between them are simulated.
When the faults are over and a bounded quiet time has passed, rules are checked that hold whatever
happened. The same seed is the same run each time, and one that breaks a rule is shrunk.

* loop, process, threads              what runs, when, and for whom
* sockets, connections, asgi          how it reaches others
* plan, draw, shrink, weather         what happens, drawn beforehand
* mailboxes, arrivals, reading, applications, world
                                      what lies outside
* network, clocks, failures, stores, handovers, providers
                                      what lies between, and the providers in memory or on the wire
* service, wiring, supervision, alone Postroom's processes
* rules                               what must hold
* run, trace                          one run, and what it shows
* mutations, search                   whether we would see what is broken
"""
