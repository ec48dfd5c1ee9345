// title: Confirm a relation
// question: How do I say that a relation is right?
// Purpose: confirm the relation of two entities: it is laid over every week from now on. This writes.
// params: phrase (text), other (text)
// returns: source, target, decision, by
CALL audience.confirm($phrase, $other, 'seen in the guide')
YIELD source, target, decision, by
RETURN source, target, decision, by
