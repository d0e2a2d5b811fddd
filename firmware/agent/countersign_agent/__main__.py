"""`micropython -m countersign_agent CONFIG.json`."""

import sys

from countersign_agent.main import main

if len(sys.argv) != 2:
    print("usage: micropython -m countersign_agent CONFIG.json")
    sys.exit(2)
sys.exit(main(sys.argv[1]))
