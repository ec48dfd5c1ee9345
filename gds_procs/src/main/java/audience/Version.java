package audience;

import java.util.Comparator;
import java.util.Objects;
import java.util.Set;
import org.neo4j.graphdb.Direction;
import org.neo4j.graphdb.Label;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.Relationship;
import org.neo4j.graphdb.RelationshipType;
import org.neo4j.graphdb.ResourceIterator;
import org.neo4j.graphdb.Transaction;

/**
 * One relation version.
 *
 * @param meanInDegree NaN where staging left none
 * @param stamp tells one made anew under the same name
 */
record Version(String name, String week, String relationType, double meanInDegree, String stamp) {

    private static final Label RELATION_VERSION = Label.label("RelationVersion");
    private static final Label CURRENT = Label.label("Current");
    private static final RelationshipType IS = RelationshipType.withName("IS");
    private static final Set<String> UNREADABLE = Set.of("staging", "staged", "retiring", "retired", "failed");

    /** Return the version that the options name: by itself, by week, else the current one. */
    static Version find(Transaction tx, Options options) {
        if (options.version() != null) {
            Node node = tx.findNode(RELATION_VERSION, "version", options.version());
            if (node == null) {
                throw new IllegalArgumentException(
                        "options.version: there is no relation version " + options.version());
            }
            return of(node);
        }
        Node current = current(tx);
        if (options.week() == null) {
            if (current == null) {
                throw new IllegalStateException(
                        "nothing is published yet: no (:Current)-[:IS]->(:RelationVersion); publish a release, "
                                + "or name one by options.week or options.version");
            }
            return of(current);
        }
        if (current != null && options.week().equals(current.getProperty("week", null))) {
            return of(current);
        }
        return newest(tx, options.week());
    }

    /** Return the version of a week, or the one of that name; `argument` names it in what is raised. */
    static Version named(Transaction tx, String argument, String name) {
        if (name == null || name.isBlank()) {
            throw new IllegalArgumentException(argument + " must be a week such as 2026-W30, or a relation version");
        }
        try {
            boolean week = name.matches("\\d{4}-W\\d{2}");
            return find(tx, Options.of(java.util.Map.of(week ? "week" : "version", name)));
        } catch (IllegalArgumentException unknown) {
            throw new IllegalArgumentException(unknown.getMessage().replaceFirst("^options\\.\\w+", argument));
        }
    }

    private static Node current(Transaction tx) {
        try (ResourceIterator<Node> nodes = tx.findNodes(CURRENT)) {
            while (nodes.hasNext()) {
                Relationship is = nodes.next().getSingleRelationship(IS, Direction.OUTGOING);
                if (is != null) {
                    return is.getEndNode();
                }
            }
        }
        return null;
    }

    private static Version newest(Transaction tx, String week) {
        try (ResourceIterator<Node> nodes = tx.findNodes(RELATION_VERSION, "week", week)) {
            return nodes.stream()
                    .filter(node -> !UNREADABLE.contains(Objects.toString(node.getProperty("status", ""))))
                    .max(Comparator.comparing((Node node) -> Objects.toString(node.getProperty("created_at", "")))
                            .thenComparing(node -> (String) node.getProperty("version")))
                    .map(Version::of)
                    .orElseThrow(() -> new IllegalArgumentException(
                            "options.week: no relation version of " + week + " is kept"));
        }
    }

    private static Version of(Node node) {
        Object mean = node.getProperty("mean_in_degree", null);
        return new Version(
                (String) node.getProperty("version"),
                (String) node.getProperty("week", ""),
                (String) node.getProperty("relation_type"),
                mean instanceof Number number ? number.doubleValue() : Double.NaN,
                node.getElementId() + "/" + node.getProperty("created_at", ""));
    }
}
