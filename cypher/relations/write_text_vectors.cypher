// Purpose: keep one text vector per entity in the space `text`; an equal one is left alone.
// params: ids (list of entity ids), vectors (list of lists of floats)
// returns: written
UNWIND range(0, size($ids) - 1) AS i
MATCH (entity:Entity {id: $ids[i]})
WITH entity, $vectors[i] AS found
WHERE NOT EXISTS { (entity)-[:HAS_VECTOR]->(old:TextVector {space: 'text'}) WHERE old.vector = found }
MERGE (entity)-[:HAS_VECTOR]->(vector:EntityVector:TextVector {space: 'text'})
SET vector.vector = found
RETURN count(*) AS written
