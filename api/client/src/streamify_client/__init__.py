# SPDX-License-Identifier: Apache-2.0
"""Client of Streamify's gRPC API: uploads a file, packages it into HLS, publishes the video."""
