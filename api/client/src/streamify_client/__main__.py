# SPDX-License-Identifier: Apache-2.0
"""`python -m streamify_client`: the same as the command `streamify`."""

from streamify_client.cli import main

if __name__ == "__main__":
    main()
