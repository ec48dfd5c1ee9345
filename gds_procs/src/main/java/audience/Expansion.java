package audience;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.RelationshipType;
import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.internal.GraphDatabaseAPI;
import org.neo4j.procedure.TerminationGuard;

/** One expansion from seeds to rows, or to packed columns. */
final class Expansion {
    private final Transaction tx;
    private final GraphDatabaseAPI database;
    private final TerminationGuard guard;

    Expansion(Transaction tx, GraphDatabaseAPI database, TerminationGuard guard) {
        this.tx = tx;
        this.database = database;
        this.guard = guard;
    }

    Stream<ExpandProcedures.Row> rows(List<String> seeds, Options options) {
        Version version = Version.find(tx, options);
        List<ExpandProcedures.Row> rows = new ArrayList<>();
        answer(version, Seeds.byIdOrName(tx, "seeds", seeds, options), options, (answer, live, reader) -> {
            int[] path = new int[5];
            for (int row : answer.order) {
                Live.Shown shown = live.shown(answer.node[row], reader);
                List<String> ids = new ArrayList<>();
                for (int i = 0, length = answer.path(row, path); i < length; i++) {
                    ids.add(answer.overlay.id(path[i]));
                }
                rows.add(new ExpandProcedures.Row(ids.get(ids.size() - 1), shown.name(), shown.type(),
                        (long) answer.hop[row], answer.relevance[row], ids, version.name()));
            }
        });
        return rows.stream();
    }

    Stream<ExpandProcedures.PackedRows> packed(List<String> given, Options options) {
        Version version = Version.find(tx, options);
        Seeds seeds = Seeds.byId(tx, given, options);
        List<ExpandProcedures.PackedRows> one = new ArrayList<>();
        answer(version, seeds, options, (answer, live, reader) ->
                one.add(pack(answer, live, reader, version.name(), seeds)));
        return one.stream();
    }

    private interface Use {
        void use(Answer answer, Live live, EntityReader reader);
    }

    @SuppressWarnings("removal") // node ids as numbers: what GDS and the kernel speak
    private void answer(Version version, Seeds seeds, Options options, Use use) {
        Projections projections = new Projections(tx, database.databaseName(), guard);
        Projections.Loaded loaded = projections.load(version);
        if (isStale(loaded.relations.entities, seeds, version)) {
            projections.drop(version.name());
            loaded = projections.load(version);
        }
        Live live = Live.of(tx, database, loaded.relations, loaded.live);
        if (live.mayBeKept()) {
            loaded.live = live;
        }
        // an entity made after staging that no relation of any kind touches leads nowhere
        int[] numbers = seeds.found.stream()
                .mapToLong(Node::getId)
                .mapToInt(live.overlay::numberOf)
                .filter(number -> number >= 0)
                .toArray();
        double[] factors = loaded.relations.damping(options.damping(), version.meanInDegree());
        Walk walk = loaded.walks.poll();
        if (walk == null) {
            walk = new Walk();
        }
        try (EntityReader reader = new EntityReader(tx)) {
            walk.run(loaded.relations, live.overlay, numbers, options, factors, guard);
            use.use(new Answer(walk, live, numbers, options, reader), live, reader);
        }
        loaded.walks.offer(walk);
    }

    /** Whether a seed that has relations in the store is another entity, or none, in the projection. */
    @SuppressWarnings("removal")
    private static boolean isStale(Entities entities, Seeds seeds, Version version) {
        RelationshipType type = RelationshipType.withName(version.relationType());
        for (Node seed : seeds.found) {
            int number = entities.numberOf(seed.getId());
            if (number < 0 ? seed.hasRelationship(type) : !entities.ids[number].equals(seed.getProperty("id"))) {
                return true;
            }
        }
        return false;
    }

    private static ExpandProcedures.PackedRows pack(
            Answer answer, Live live, EntityReader reader, String version, Seeds seeds) {
        int count = answer.order.length;
        List<String> ids = new ArrayList<>(count + 64);
        List<String> names = new ArrayList<>(count);
        List<String> types = new ArrayList<>(count);
        byte[] hops = new byte[count];
        double[] relevances = new double[count];
        Map<Integer, Integer> numbers = new HashMap<>(count * 2);
        for (int i = 0; i < count; i++) {
            int row = answer.order[i];
            int node = answer.node[row];
            Live.Shown shown = live.shown(node, reader);
            numbers.put(node, i);
            ids.add(answer.overlay.id(node));
            names.add(shown.name());
            types.add(shown.type());
            hops[i] = (byte) answer.hop[row];
            relevances[i] = answer.relevance[row];
        }
        byte[] paths = paths(answer, ids, numbers);
        Packed.Texts idTexts = Packed.texts(ids);
        Packed.Texts nameTexts = Packed.texts(names);
        Packed.Texts typeTexts = Packed.texts(types);
        return new ExpandProcedures.PackedRows(version, (long) count, idTexts.bytes(), idTexts.lengths(),
                nameTexts.bytes(), nameTexts.lengths(), typeTexts.bytes(), typeTexts.lengths(), hops,
                Packed.doubles(relevances, 0, count), paths, seeds.missing, seeds.refused);
    }

    /** Number the entities of all paths as they lie in `ids`, adding those that are not rows themselves. */
    private static byte[] paths(Answer answer, List<String> ids, Map<Integer, Integer> numbers) {
        ByteBuffer buffer = Packed.buffer(answer.order.length * 5 * 4);
        int[] path = new int[5];
        for (int row : answer.order) {
            for (int i = 0, length = answer.path(row, path); i < length; i++) {
                int node = path[i];
                buffer.putInt(numbers.computeIfAbsent(node, later -> {
                    ids.add(answer.overlay.id(later));
                    return ids.size() - 1;
                }));
            }
        }
        return Arrays.copyOf(buffer.array(), buffer.position());
    }
}
