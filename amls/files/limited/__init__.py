"""Reading what others made, in a process of its own, under limits on time and memory, without keys or database."""
