// Purpose: entities within two hops of the seeds through the relations of one version, one row of lists.
//   Layer by layer: the best product of scores that reaches an entity in exactly h hops, h = 1..2; the best layer wins.
//   CONFIRMED relations are laid over; REJECTED pairs are hidden, and entities with `sensitive = true`, as seeds too,
//   unless $sensitive. Runs on any Neo4j 5.26 without GDS.
// params: seeds (list of entity ids), relation_type (string, RelationVersion.relation_type), fan_out (integer, relations
//   per entity), min_relevance (0..1), damping (0..1, 0 = none), reverse (boolean), types (list, empty = all),
//   limit (integer), sensitive (boolean, false = without sensitive entities)
// returns: ids, names, types, hops, relevances, paths, missing, refused
OPTIONAL MATCH (version:RelationVersion {relation_type: $relation_type})
WITH version.mean_in_degree AS mean LIMIT 1
CALL () {
  MATCH (seed:Entity) WHERE seed.id IN $seeds AND ($sensitive OR NOT coalesce(seed.sensitive = true, false))
  RETURN collect({node: seed, id: seed.id, relevance: 1.0, path: [seed.id]}) AS layer0
}
CALL (layer0, mean) {
  UNWIND layer0 AS from
  WITH from, from.node AS u, mean
  WITH from, u, mean, CASE WHEN $reverse THEN [(u)<-[:REJECTED]-(x) | x] ELSE [(u)-[:REJECTED]->(x) | x] END AS hidden
  CALL (u) {
    WITH u WHERE NOT $reverse
    MATCH (u)-[r:$($relation_type)]->(v) WHERE r.rank <= $fan_out RETURN v, v AS head, r.score AS score
    UNION ALL
    WITH u WHERE NOT $reverse
    MATCH (u)-[c:CONFIRMED]->(v) RETURN v, v AS head, c.score AS score
    UNION ALL
    WITH u WHERE $reverse
    MATCH (u)<-[r:$($relation_type)]-(v) WHERE r.rank <= $fan_out RETURN v, u AS head, r.score AS score
    UNION ALL
    WITH u WHERE $reverse
    MATCH (u)<-[c:CONFIRMED]-(v) RETURN v, u AS head, c.score AS score
  }
  WITH from, v, score, hidden, mean,
       CASE WHEN $damping = 0 THEN 0 ELSE COUNT { (head)<-[:$($relation_type)]-() } END AS in_degree
  WITH from, v, hidden, from.relevance * (score *
       CASE WHEN $damping = 0 OR in_degree <= mean THEN 1.0
            ELSE floor((mean / in_degree) ^ $damping * 1e9 + 0.5) / 1e9 END) AS relevance
  WHERE relevance >= $min_relevance AND NOT v IN hidden
  WITH v, min([-relevance, from.id, from.path]) AS best
  WITH v, v.id AS id, best WHERE $sensitive OR NOT coalesce(v.sensitive = true, false)
  RETURN collect({node: v, id: id, relevance: -best[0], path: best[2] + id, hop: 1}) AS layer1
}
CALL (layer1, mean) {
  UNWIND layer1 AS from
  WITH from, from.node AS u, mean
  WITH from, u, mean, CASE WHEN $reverse THEN [(u)<-[:REJECTED]-(x) | x] ELSE [(u)-[:REJECTED]->(x) | x] END AS hidden
  CALL (u) {
    WITH u WHERE NOT $reverse
    MATCH (u)-[r:$($relation_type)]->(v) WHERE r.rank <= $fan_out RETURN v, v AS head, r.score AS score
    UNION ALL
    WITH u WHERE NOT $reverse
    MATCH (u)-[c:CONFIRMED]->(v) RETURN v, v AS head, c.score AS score
    UNION ALL
    WITH u WHERE $reverse
    MATCH (u)<-[r:$($relation_type)]-(v) WHERE r.rank <= $fan_out RETURN v, u AS head, r.score AS score
    UNION ALL
    WITH u WHERE $reverse
    MATCH (u)<-[c:CONFIRMED]-(v) RETURN v, u AS head, c.score AS score
  }
  WITH from, v, score, hidden, mean,
       CASE WHEN $damping = 0 THEN 0 ELSE COUNT { (head)<-[:$($relation_type)]-() } END AS in_degree
  WITH from, v, hidden, from.relevance * (score *
       CASE WHEN $damping = 0 OR in_degree <= mean THEN 1.0
            ELSE floor((mean / in_degree) ^ $damping * 1e9 + 0.5) / 1e9 END) AS relevance
  WHERE relevance >= $min_relevance AND NOT v IN hidden
  WITH v, min([-relevance, from.id, from.path]) AS best
  WITH v, v.id AS id, best WHERE $sensitive OR NOT coalesce(v.sensitive = true, false)
  RETURN collect({node: v, id: id, relevance: -best[0], path: best[2] + id, hop: 2}) AS layer2
}
WITH layer1 + layer2 AS reached
UNWIND reached AS one
WITH one.node AS v, one.id AS id, min([-one.relevance, one.hop, one.path]) AS best
WHERE NOT id IN $seeds AND (size($types) = 0 OR v.type IN $types)
WITH v, id, -best[0] AS relevance, best[1] AS hop, best[2] AS path
ORDER BY relevance DESC, hop, id LIMIT $limit
WITH collect(id) AS ids, collect(coalesce(v.name, '')) AS names, collect(coalesce(v.type, '')) AS types,
     collect(hop) AS hops, collect(relevance) AS relevances, collect(path) AS paths
RETURN ids, names, types, hops, relevances, paths,
       COLLECT { UNWIND $seeds AS one OPTIONAL MATCH (e:Entity {id: one})
                 WITH one, e WHERE e IS NULL RETURN one } AS missing,
       COLLECT { UNWIND $seeds AS one MATCH (e:Entity {id: one})
                 WITH one, e WHERE NOT $sensitive AND e.sensitive = true RETURN one } AS refused
