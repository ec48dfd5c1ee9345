// Keys and indexes of entities, their vectors, relation versions and the mirror of the current release.
// Every statement may run again: a script that was killed half way is run again from its start.

CREATE CONSTRAINT entity_id IF NOT EXISTS
FOR (entity:Entity) REQUIRE entity.id IS UNIQUE;

CREATE INDEX entity_name IF NOT EXISTS
FOR (entity:Entity) ON (entity.name);

CREATE INDEX entity_type IF NOT EXISTS
FOR (entity:Entity) ON (entity.type);

CREATE FULLTEXT INDEX entity_text IF NOT EXISTS
FOR (entity:Entity) ON EACH [entity.name, entity.aliases]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'standard-no-stop-words', `fulltext.eventually_consistent`: false}};

CREATE INDEX entity_vector_space IF NOT EXISTS
FOR (vector:EntityVector) ON (vector.space);

CREATE VECTOR INDEX entity_text_vector IF NOT EXISTS
FOR (vector:TextVector) ON (vector.vector)
OPTIONS {indexConfig: {`vector.dimensions`: 384, `vector.similarity_function`: 'cosine'}};

CREATE CONSTRAINT relation_version_version IF NOT EXISTS
FOR (version:RelationVersion) REQUIRE version.version IS UNIQUE;

CREATE CONSTRAINT relation_version_relation_type IF NOT EXISTS
FOR (version:RelationVersion) REQUIRE version.relation_type IS UNIQUE;

CREATE CONSTRAINT current_id IF NOT EXISTS
FOR (current:Current) REQUIRE current.id IS UNIQUE;

CREATE CONSTRAINT schema_script_name IF NOT EXISTS
FOR (script:SchemaScript) REQUIRE script.name IS UNIQUE;

CALL db.awaitIndexes(300);
