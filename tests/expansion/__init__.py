"""What the expansion tests share: the reference, random worlds, and how a world gets into Neo4j."""
