"""``python -m predictor``: the command line."""

from predictor.cli import main

if __name__ == "__main__":
    main()
