"""`python -m anhu` is the `anhu` command."""

from anhu.cli import main

if __name__ == "__main__":
    main()
