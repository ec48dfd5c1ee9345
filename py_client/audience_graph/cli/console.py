"""`audience-graph console`: the page for marketers."""

from __future__ import annotations

import click

from audience_graph.cli.options import data_dir_option


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others than this machine's own need a proxy with TLS.")  # fmt: skip # noqa: E501
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port to listen on. [default: the first free one from 8765]")  # fmt: skip # noqa: E501
@click.option("--name", "names", multiple=True, metavar="HOST", help="Also answer to this host name, for one behind a proxy; may be repeated.")  # fmt: skip # noqa: E501
@click.option("--open/--no-open", "show", default=True, show_default=True, help="Open it in this machine's browser.")
@data_dir_option
def console(host: str, port: int | None, names: tuple[str, ...], show: bool, data_dir: str | None) -> None:
    """Open the page for marketers: type a service, see its graph, choose, size, save, send, learn.

    It answers on this machine alone, to whoever has the token that it prints: a new one each time, or that of
    AUDIENCE_GRAPH_CONSOLE_TOKEN. Ctrl-C ends it.

    \b
    audience-graph console
    audience-graph console --port 9000 --no-open
    """
    from audience_graph.audit import find_actor
    from audience_graph.client import AudienceGraph
    from audience_graph.config import find_home
    from audience_graph.console.serve import TOKEN, Served, serve

    def ready(served: Served) -> None:
        how = f"; its token is {TOKEN}" if served.own_token else f"; open it by\n  {served.url}"
        click.echo(f"The console answers at {served.address}{how}", err=True)
        if host not in ("127.0.0.1", "localhost", "::1"):
            click.echo("Others can reach this address, without TLS: put a proxy with TLS before it.", err=True)
        click.echo("Ctrl-C ends it.", err=True)
        if show:
            click.launch(served.page.as_uri())

    home = find_home(data_dir)
    with AudienceGraph.connect(home.path) as ag:
        ag.releases()  # a server that does not answer is said now, not in the page
        serve(ag, home, actor=find_actor(), host=host, port=port, names=names, ready=ready)
