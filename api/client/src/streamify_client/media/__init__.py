# SPDX-License-Identifier: Apache-2.0
"""Media: what a file holds, which renditions to make of it, and packaging them into HLS with ffmpeg."""
