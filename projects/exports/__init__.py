"""What leaves the desk and comes back: archives of hand-ins, tables of results and topics."""
