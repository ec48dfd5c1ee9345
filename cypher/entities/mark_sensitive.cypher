// Purpose: flag entities as sensitive, or take their flag away, by a person's word or the list's.
// params: ids (list of entity ids), sensitive (boolean), categories (list of strings or null), decided_by (string)
// returns: marked
UNWIND range(0, size($ids) - 1) AS i
MATCH (entity:Entity {id: $ids[i]})
SET entity.sensitive = $sensitive, entity.sensitive_category = $categories[i], entity.sensitive_by = $decided_by
RETURN count(entity) AS marked
