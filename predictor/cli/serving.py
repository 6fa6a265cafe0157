"""Streamlit's command line, except that it never asks the internet for this machine's address."""

from __future__ import annotations


def main() -> None:
    """Run Streamlit's command line.

    It would ask whenever a page elsewhere opens a websocket, and all would wait for the answer.
    """
    from streamlit import net_util
    from streamlit.web import cli

    net_util.get_external_ip = lambda: None
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
