// title: How far it spreads
// question: What does this service lead to, over which way?
// Purpose: entities within two hops, best first, with the path that gave each.
// params: phrase (text)
// returns: name, type, hop, relevance, path
CALL audience.expand([$phrase], {hops: 2, limit: 100})
YIELD name, type, hop, relevance, path
RETURN name, type, hop, relevance, path
