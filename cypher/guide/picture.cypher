// title: A picture of what is near
// question: What is near this service, and how strongly?
// Purpose: the 25 entities of the largest relevance within two hops, drawn: colour is the type, width the score.
// params: phrase (text)
// returns: nodes, relationships
CALL audience.picture([$phrase], {hops: 2, limit: 25})
YIELD nodes, relationships
RETURN nodes, relationships
