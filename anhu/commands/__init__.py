"""The subcommands of `anhu`, one module each; anhu/cli.py lists them."""
