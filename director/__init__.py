"""The director: a programmable load balancer for layers 4 and 7."""
