"""Pictures of the entity graph: where entities lie, in which colour, as SVG."""
