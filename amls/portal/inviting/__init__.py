"""People invited to a course by mail: pasted, shown with who is there already, and told five minutes later."""
