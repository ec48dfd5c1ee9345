// purpose: write entities, given as parallel lists: new ones are made, known ones take the given values
// params: ids (list of strings), names (list of strings), types (list of strings), aliases (list of lists of
//         strings), descriptions (list of strings or null), sensitive (list of booleans), categories, deciders (lists of
//         strings or null: why it is sensitive, who says so)
// returns: written
UNWIND range(0, size($ids) - 1) AS i
MERGE (entity:Entity {id: $ids[i]})
SET entity.name = $names[i],
    entity.type = $types[i],
    entity.aliases = $aliases[i],
    entity.description = $descriptions[i],
    entity.sensitive = $sensitive[i],
    entity.sensitive_category = $categories[i],
    entity.sensitive_by = $deciders[i]
RETURN count(entity) AS written
