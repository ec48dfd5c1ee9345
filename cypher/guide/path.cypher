// title: The strongest path
// question: Over which services does this one lead to that one?
// Purpose: the path of the largest relevance, by name.
// params: phrase (text), other (text)
// returns: names, hops, relevance
CALL audience.path($phrase, $other, {hops: 4})
YIELD names, hops, relevance
RETURN names, hops, relevance
