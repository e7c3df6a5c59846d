"""A real Rucio on loopback: server, daemons, and a service that copies."""
