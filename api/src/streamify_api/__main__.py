# SPDX-License-Identifier: Apache-2.0
"""Starts the API: python -m streamify_api. Or cleans up once: python -m streamify_api janitor."""

import sys

from streamify_api import janitor, main

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main.main()
        case ["janitor"]:
            janitor.main()
        case _:
            sys.stderr.write("usage: python -m streamify_api [janitor]\n")
            sys.exit(2)
