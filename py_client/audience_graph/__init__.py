"""audience-graph: type a service in words; get the users who will want it; see why."""
