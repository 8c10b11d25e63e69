# SPDX-License-Identifier: Apache-2.0
"""Starts the API: python -m streamify_api."""

from streamify_api.main import main

if __name__ == "__main__":
    main()
