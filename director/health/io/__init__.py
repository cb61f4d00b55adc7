"""The shell of the health room: `service` runs `probes` over the network, and `program` those of users."""
