# Neo4j with GDS and our procedures: the jars of the lock file, each checked, and gds_procs compiled from source.
FROM python:3.12-slim AS plugins
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY py_client py_client
COPY trainers trainers
COPY cypher cypher
COPY migrations migrations
COPY gds_procs gds_procs
RUN pip install --no-cache-dir '.[local]'
RUN python -m audience_graph.local.plugins /plugins

FROM neo4j:5.26.25-community
COPY --from=plugins --chown=neo4j:neo4j /plugins/ /var/lib/neo4j/plugins/
