"""What runs in the limited child: it takes its limits, then calls one function with the file.

`python -I child.py ROOT MODULE:FUNCTION VALUES LIMITS`, with the file as standard input. The
function gets the open file and the values by name, and yields what JSON knows; each is one line on standard
output, as a list of one. The last line is {"end": code, "values": {}}, with an empty code if all
went well, and "unable" where the function can't be loaded. Where it is missing, the process was stopped.
"""

import contextlib
import importlib
import json
import resource
import sys
import types


def main(arguments: list[str]) -> int:
    """Call the function; return the exit code."""
    root, function, values, limits = arguments[0], arguments[1], json.loads(arguments[2]), json.loads(arguments[3])
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"], limits["seconds"] + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.insert(0, root)
    # The package's own start loads Celery, which costs more than most files and is not for this process.
    bare = types.ModuleType("amls")
    bare.__path__ = [f"{root}/amls"]
    sys.modules["amls"] = bare
    refused = importlib.import_module("amls.files.limited.refused").Refused
    module, name = function.split(":")
    end: dict[str, object] = {"end": "", "values": {}}
    try:
        asked = getattr(importlib.import_module(module), name)
    except MemoryError:
        raise
    except Exception as error:  # Whatever is wrong with the installation, it says nothing of the file.
        sys.stderr.write(f"{type(error).__name__}: {error}"[:500])
        _say({"end": "unable", "values": {}})
        return 0
    # Until here modules were loaded, for which Python may have written bytecode that it lacked. Under a limit it would keep
    # as much of it as fits, and could never load that module again.
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["writes"], limits["writes"]))
    try:
        with contextlib.closing(asked(sys.stdin.buffer, **values)) as lines:
            for line in lines:
                _say([line])
    except refused as error:
        end = {"end": error.code, "values": error.values}
    except MemoryError:
        end = {"end": "too_big", "values": {}}
    except Exception as error:  # Whatever the libraries make of a broken file, the parent hears one word.
        end = {"end": "broken", "values": {}}
        sys.stderr.write(f"{type(error).__name__}: {error}"[:500])
    _say(end)
    return 0


def _say(line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
