package audience;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.neo4j.graphdb.Direction;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.Relationship;
import org.neo4j.graphdb.RelationshipType;
import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.internal.GraphDatabaseAPI;
import org.neo4j.logging.Log;
import org.neo4j.procedure.Context;
import org.neo4j.procedure.Description;
import org.neo4j.procedure.Mode;
import org.neo4j.procedure.Name;
import org.neo4j.procedure.Procedure;
import org.neo4j.procedure.TerminationGuard;

/** What analysts ask of one week beside an expansion: resolve, neighbours, path, size, and which weeks there are. */
public final class AskProcedures {
    private static final String READ = "week (such as 2026-W30, default the current release), version (in place of "
            + "week: one relation version by its name, published or staged), sensitive (let sensitive entities in, "
            + "default false), because (why; goes with sensitive, written to the server's log)";
    private static final Set<String> WHICH = Set.of("week", "version", "sensitive", "because");

    @Context
    public Transaction tx;

    @Context
    public GraphDatabaseAPI database;

    @Context
    public TerminationGuard guard;

    @Context
    public Log log;

    /** One entity that a phrase may mean. */
    public record Meaning(
            @Description("The phrase") String phrase,
            @Description("Id of the entity") String entity,
            @Description("Name of the entity") String name,
            @Description("Type of the entity") String type,
            @Description("What matched: id, name, alias or text") String how,
            @Description("Score of the full-text index, null where the match is exact") Double score) {
    }

    /** One relation of an entity. */
    public record Neighbour(
            @Description("Id of the related entity") String entity,
            @Description("Name of it") String name,
            @Description("Type of it") String type,
            @Description("Score of the relation, 0 to 1") Double score,
            @Description("Logit above the threshold of the source; null where it is confirmed alone") Double margin,
            @Description("Place among the relations of the source; null where it is confirmed alone") Long rank,
            @Description("What proposed it") String provenance,
            @Description("Whether people or results confirmed it") Boolean confirmed,
            @Description("Relation version that was read") String version) {
        Neighbour confirmedWith(Double own) {
            return new Neighbour(entity, name, type, own == null ? score : Double.valueOf(Math.max(own, score)), margin,
                    rank, provenance, true, version);
        }
    }

    /** The best path between two entities. */
    public record PathRow(
            @Description("Ids on the path") List<String> ids,
            @Description("Names on the path") List<String> names,
            @Description("Number of relations") Long hops,
            @Description("Product of their scores") Double relevance,
            @Description("Relation version that was read") String version) {
    }

    /** How many users several entities reach. */
    public record Size(
            @Description("Number of entities") Long entities,
            @Description("Users who meet the most met of them: at least so many meet any (rounded)") Long at_least,
            @Description("Sum over the entities: at most so many meet any (rounded); null where one is not counted yet")
                    Long at_most,
            @Description("Ids of those that are not counted yet") List<String> not_shown) {
    }

    /** One relation version that may be read. */
    public record VersionRow(
            @Description("Number of the current release, null for other versions") Long release,
            @Description("Name of the version") String version,
            @Description("ISO week") String week,
            @Description("Relationship type of its relations") String relation_type,
            @Description("Number of relations") Long relations,
            @Description("Number of entities") Long entities,
            @Description("Whether it is that of the current release") Boolean current) {
    }

    @Procedure(name = "audience.resolve", mode = Mode.READ)
    @Description("Entities that phrases mean: by id, else by name, else by alias, else by their words, best first. "
            + "Example: CALL audience.resolve(['spa', 'home workout'])")
    public Stream<Meaning> resolve(
            @Name(value = "phrases", description = "What people type") List<String> phrases,
            @Name(value = "options", defaultValue = "{}", description = "limit (matches by words for each phrase, "
                    + "default 5), types (entity types, default all), sensitive (let sensitive entities in, default "
                    + "false), because (why; goes with sensitive)") Map<String, Object> given) {
        Options options = Options.of(given, Set.of("limit", "types", "sensitive", "because"), 5);
        ServerLog.told(tx, log, "audience.resolve", phrases, options);
        List<Meaning> rows = new ArrayList<>();
        for (String phrase : Seeds.checked("phrases", phrases)) {
            Seeds.resolve(tx, phrase, options.limit(), node -> shown(node, options)).forEach(match -> rows.add(
                    new Meaning(phrase, id(match.node()), name(match.node()), type(match.node()), match.how(),
                            match.score())));
        }
        return rows.stream();
    }

    @Procedure(name = "audience.neighbours", mode = Mode.READ)
    @Description("Relations of one entity, best first, with confirmed ones, without rejected ones. "
            + "Example: CALL audience.neighbours('spa', {limit: 20})")
    public Stream<Neighbour> neighbours(
            @Name(value = "entity", description = "Id, name or alias of an entity") String entity,
            @Name(value = "options", defaultValue = "{}", description = "limit (default 1000), types (entity types, "
                    + "default all), reverse (who leads here, default false), " + READ) Map<String, Object> given) {
        Options options = Options.of(given,
                Set.of("limit", "types", "reverse", "week", "version", "sensitive", "because"), 1000);
        ServerLog.told(tx, log, "audience.neighbours", List.of(String.valueOf(entity)), options);
        Version version = Version.find(tx, options);
        Node source = Seeds.one(tx, "entity", entity, options);
        Map<Node, Neighbour> found = new HashMap<>();
        Direction way = options.reverse() ? Direction.INCOMING : Direction.OUTGOING;
        for (Relationship relation : source.getRelationships(way, RelationshipType.withName(version.relationType()))) {
            Node target = relation.getOtherNode(source);
            Double score = Overlay.score(relation);
            if (score != null) {
                found.put(target, neighbour(target, relation, score, false, version));
            }
        }
        for (Relationship relation : source.getRelationships(way, Overlay.CONFIRMED)) {
            Node target = relation.getOtherNode(source);
            Neighbour mined = found.get(target);
            Double score = Overlay.score(relation);
            if (mined != null) {
                found.put(target, mined.confirmedWith(score));
            } else if (score != null) {
                found.put(target, neighbour(target, relation, score, true, version));
            }
        }
        for (Relationship relation : source.getRelationships(way, Overlay.REJECTED)) {
            found.remove(relation.getOtherNode(source));
        }
        return found.entrySet().stream()
                .filter(one -> shown(one.getKey(), options))
                .map(Map.Entry::getValue)
                .sorted(Comparator.comparing(Neighbour::score, Comparator.reverseOrder())
                        .thenComparing(Neighbour::entity, CodePoints::compare))
                .limit(options.limit());
    }

    @Procedure(name = "audience.path", mode = Mode.READ)
    @Description("The path of the largest relevance from one entity to another; no row where there is none. "
            + "Example: CALL audience.path('spa', 'yoga', {hops: 3})")
    public Stream<PathRow> path(
            @Name(value = "from", description = "Id, name or alias of an entity") String from,
            @Name(value = "to", description = "Id, name or alias of an entity") String to,
            @Name(value = "options", defaultValue = "{}", description = "hops (1 to 4, default 3), fan_out (relations "
                    + "followed per entity, default 50), " + READ) Map<String, Object> given) {
        Options asked = Options.of(given, Set.of("hops", "fan_out", "week", "version", "sensitive", "because"), 1000);
        ServerLog.told(tx, log, "audience.path", List.of(String.valueOf(from), String.valueOf(to)), asked);
        Node goal = Seeds.one(tx, "to", to, asked);
        Node start = Seeds.one(tx, "from", from, asked);
        if (goal.equals(start)) {
            throw new IllegalArgumentException("to: '" + to + "' is where the path starts");
        }
        boolean deeper = given == null || given.get("hops") == null;
        Options options = asked.over(deeper ? 3 : asked.hops());
        return new Expansion(tx, database, guard).rows(java.util.Arrays.asList(id(start)), options)
                .filter(row -> row.entity().equals(id(goal)))
                .map(row -> new PathRow(row.path(), names(row.path()), row.hop(), row.relevance(), row.version()));
    }

    @Procedure(name = "audience.size", mode = Mode.READ)
    @Description("How many users meet any of several entities, between two bounds, from the counts of each entity; the "
            + "exact number is the client's to count. Example: CALL audience.size(['spa', 'yoga'])")
    public Stream<Size> size(
            @Name(value = "entities", description = "Ids, names or aliases of entities") List<String> entities) {
        Options options = Options.none();
        long most = 0;
        long sum = 0;
        List<String> hidden = new ArrayList<>();
        List<Node> nodes = Seeds.byIdOrName(tx, "entities", entities, options).found;
        for (Node node : nodes) {
            if (node.getProperty("reach", null) instanceof Number reach) {
                most = Math.max(most, reach.longValue());
                sum += reach.longValue();
            } else {
                hidden.add(id(node));
            }
        }
        boolean any = hidden.size() < nodes.size();
        return Stream.of(new Size((long) nodes.size(), any ? most : null, hidden.isEmpty() ? sum : null, hidden));
    }

    @Procedure(name = "audience.current", mode = Mode.READ)
    @Description("The release that is current, and its relation version. Example: CALL audience.current()")
    public Stream<VersionRow> current() {
        Version.find(tx, Options.none()); // raises where nothing is published
        return versions(null).filter(VersionRow::current);
    }

    @Procedure(name = "audience.week", mode = Mode.READ)
    @Description("The relation versions of a week that may be read, newest first. "
            + "Example: CALL audience.week('2026-W30')")
    public Stream<VersionRow> week(@Name(value = "name", description = "ISO week, such as 2026-W30") String name) {
        if (name == null) {
            throw new IllegalArgumentException("name must be an ISO week such as 2026-W30, not null");
        }
        return versions(Options.week("name", name));
    }

    private Stream<VersionRow> versions(String week) {
        List<VersionRow> rows = new ArrayList<>();
        tx.execute("MATCH (v:RelationVersion) WHERE v.status = 'published' AND ($week IS NULL OR v.week = $week) "
                        + "OPTIONAL MATCH (c:Current)-[:IS]->(v) "
                        + "RETURN c.release_id AS release, v.version AS version, v.week AS week, "
                        + "v.relation_type AS type, v.relations AS relations, v.entities AS entities, "
                        + "c IS NOT NULL AS current ORDER BY v.created_at DESC, version",
                        week == null ? nothing() : Map.of("week", week))
                .forEachRemaining(row -> rows.add(new VersionRow(whole(row.get("release")), (String) row.get("version"),
                        (String) row.get("week"), (String) row.get("type"), whole(row.get("relations")),
                        whole(row.get("entities")), (Boolean) row.get("current"))));
        return rows.stream();
    }

    private static Map<String, Object> nothing() {
        Map<String, Object> values = new HashMap<>();
        values.put("week", null);
        return values;
    }

    private static Neighbour neighbour(
            Node target, Relationship relation, double score, boolean confirmed, Version version) {
        return new Neighbour(id(target), name(target), type(target), score,
                relation.getProperty("margin", null) instanceof Number margin ? margin.doubleValue() : null,
                whole(relation.getProperty("rank", null)), (String) relation.getProperty("provenance", null), confirmed,
                version.name());
    }

    static boolean shown(Node node, Options options) {
        return (options.sensitive() || !Boolean.TRUE.equals(node.getProperty(Overlay.SENSITIVE, null)))
                && (options.types().isEmpty() || options.types().contains(type(node)));
    }

    private List<String> names(List<String> ids) {
        return ids.stream().map(id -> name(tx.findNode(Overlay.ENTITY, "id", id))).toList();
    }

    private static Long whole(Object value) {
        return value instanceof Number number ? number.longValue() : null;
    }

    static String id(Node node) {
        return (String) node.getProperty("id");
    }

    static String name(Node node) {
        return (String) node.getProperty("name", null);
    }

    private static String type(Node node) {
        return (String) node.getProperty("type", null);
    }
}
