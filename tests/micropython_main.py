"""The part of the test runner that runs on MicroPython: every test of one file.

Called with the name of the module, and with the names of the tests to run if it is not all of them.
Prints one line for each outcome, which the runner on the other side (run_micropython.py) reads:
`@passed NAME`, `@failed NAME`, `@skipped NAME: REASON`, and `@end` last, so that a virtual machine
that dies on the way is not mistaken for one that finished.
"""

import gc
import sys

from support.skip import Skip

# The agent does the same before it imports anything (countersign_agent/__init__.py). Otherwise the
# garbage of the imports, here of their compilation too, leaves no 2 kB in a row.
if hasattr(gc, "threshold"):
    gc.threshold(16384)


def run(module_name, *chosen):
    try:
        module = __import__(module_name)
    except Skip as skipped:
        print("@skipped %s: %s" % (module_name, skipped))
        return
    except Exception as error:
        failed(module_name, error)
        return
    for name in sorted(dir(module)):
        if chosen and name not in chosen:
            continue
        if name.startswith("test_") and callable(getattr(module, name)):
            run_test(module_name + "." + name, getattr(module, name))


def run_test(name, test):
    gc.collect()
    try:
        test()
    except Skip as skipped:
        print("@skipped %s: %s" % (name, skipped))
    except Exception as error:
        failed(name, error)
    else:
        print("@passed", name)


def failed(name, error):
    print("@failed", name)
    sys.print_exception(error, sys.stdout)


run(*sys.argv[1:])
print("@end")
