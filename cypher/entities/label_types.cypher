// Purpose: give each entity the label of its type, in place of that of another type; Browser colours by label.
// params: labels (map of type to label; an entity whose type it lacks has none)
// returns: labelled
MATCH (entity:Entity)
WITH entity,
  [label IN labels(entity) WHERE label STARTS WITH 'Type_'] AS there,
  CASE WHEN $labels[entity.type] IS NULL THEN [] ELSE [$labels[entity.type]] END AS wanted
WHERE there <> wanted
REMOVE entity:$(there)
SET entity:$(wanted)
RETURN count(entity) AS labelled
