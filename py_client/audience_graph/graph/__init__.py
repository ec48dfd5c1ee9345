"""Neo4j: the runner (the only import of the driver), query files, expansion, projections."""
