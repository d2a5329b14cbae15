"""The rights over files that services have, for processes of tests that root runs."""

import os

# Before a command: it is root still, whose folders of tests are its own, and reads and writes only what their modes allow.
BOUNDED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
