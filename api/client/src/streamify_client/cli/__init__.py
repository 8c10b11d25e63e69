# SPDX-License-Identifier: Apache-2.0
"""The command `streamify`."""

import os
import signal
import sys

import click

from streamify_client.cli import uploads, videos
from streamify_client.cli.completion import completion
from streamify_client.errors import ClientError, ExitCode

_HELP = """Uploads videos to Streamify and looks after them.

\b
Exit codes:
  0    done
  1    the platform or its storage refused, or storage holds something else than was sent
  2    wrong usage, or a setting is missing
  3    the file is no video that can be published
  4    the platform cannot be reached or has too much to do, or its certificate is not trusted
  5    the token is refused, or does not allow this
  6    no such video or upload
  7    ffmpeg is missing or failed
  8    the video or upload is in a state that does not allow this
  130  interrupted
"""


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="streamify-client")
def streamify() -> None:
    """The command group."""


for _command in (
    uploads.upload,
    videos.list_,
    videos.show,
    uploads.watch,
    uploads.cancel,
    videos.publish,
    videos.unpublish,
    videos.update,
    videos.delete,
    completion,
):
    streamify.add_command(_command)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command and exits with one of the documented codes; a failure is one sentence on stderr."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its library writes to stderr what we say in a sentence
    # A service manager's SIGTERM cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        streamify.main(arguments, prog_name="streamify", standalone_mode=False)
    except ClientError as error:
        sys.exit(_fail(_with_request_id(error), error.exit_code))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_fail("Interrupted.", ExitCode.INTERRUPTED))
    except click.ClickException as error:
        sys.exit(_fail(error.format_message(), ExitCode.USAGE))
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _with_request_id(error: ClientError) -> str:
    """The sentence; with the request's id where only the platform's logs can tell more."""
    if error.exit_code is ExitCode.PLATFORM and error.request_id:
        return f"{str(error).rstrip('.')} (request {error.request_id})."
    return str(error)


def _fail(sentence: str, code: ExitCode) -> int:
    click.echo(f"streamify: {sentence}", err=True)
    return int(code)
