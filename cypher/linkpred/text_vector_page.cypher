// Purpose: text vectors (E^Se) of the next entities by id that have one; repeat with the last id until a page is empty.
// params: after (entity id, '' at first), page (integer, entities)
// returns: id, vector
MATCH (entity:Entity)-[:HAS_VECTOR]->(text:TextVector {space: 'text'})
WHERE entity.id > $after
RETURN entity.id AS id, text.vector AS vector ORDER BY id LIMIT $page
