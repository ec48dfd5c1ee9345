// title: Services of two audiences
// question: Which services do these two audiences share?
// Purpose: the entities that two audiences are picked by: of both, of the first alone, of the other alone.
// params: audience (text, suggest audiences), other (text, suggest audiences), limit (integer, default 200,
//   at least 1, at most 10000)
// returns: id, name, type, used_by, relevance, other_relevance
CALL () {
  MATCH (:Audience {name: $audience})-[one:PICKED]->(target:Entity)
  OPTIONAL MATCH (:Audience {name: $other})-[two:PICKED]->(target)
  RETURN target, one.relevance AS relevance, two.relevance AS other_relevance
  UNION
  MATCH (:Audience {name: $other})-[two:PICKED]->(target:Entity)
  OPTIONAL MATCH (:Audience {name: $audience})-[one:PICKED]->(target)
  RETURN target, one.relevance AS relevance, two.relevance AS other_relevance
}
WITH target, relevance, other_relevance WHERE NOT coalesce(target.sensitive = true, false)
RETURN target.id AS id, target.name AS name, target.type AS type,
       CASE WHEN other_relevance IS NULL THEN 'first' WHEN relevance IS NULL THEN 'other' ELSE 'both' END AS used_by,
       relevance, other_relevance
ORDER BY used_by, coalesce(relevance, 0) + coalesce(other_relevance, 0) DESC, id
LIMIT $limit
