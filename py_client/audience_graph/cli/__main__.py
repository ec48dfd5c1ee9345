"""`python -m audience_graph.cli`: the same as `audience-graph`."""

from audience_graph.cli import main

if __name__ == "__main__":
    main()
