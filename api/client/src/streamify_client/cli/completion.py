# SPDX-License-Identifier: Apache-2.0
"""Completion of commands and options by the shell."""

import click
from click.shell_completion import get_completion_class

from streamify_client.errors import UsageError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands and options.

    \b
    bash:  eval "$(streamify completion bash)"        in ~/.bashrc
    zsh:   eval "$(streamify completion zsh)"         in ~/.zshrc
    fish:  streamify completion fish | source         in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"{shell} is not known.")
    complete = kind(context.find_root().command, {}, "streamify", "_STREAMIFY_COMPLETE")
    click.echo(complete.source())
