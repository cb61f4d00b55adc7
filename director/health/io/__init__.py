"""The shell of the health room: `probes` over the network, and the `service` that runs them."""
