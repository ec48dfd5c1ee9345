package audience.browser;

import java.net.URI;
import javax.ws.rs.GET;
import javax.ws.rs.Path;
import javax.ws.rs.Produces;
import javax.ws.rs.core.Context;
import javax.ws.rs.core.Response;
import javax.ws.rs.core.UriInfo;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.graphdb.Label;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.ResourceIterator;
import org.neo4j.graphdb.Transaction;

/**
 * The guide and the style sheet of Neo4j Browser, from the server that serves Browser itself.
 *
 * Browser asks for them without a login, so nothing else is served here: the texts of two nodes (:BrowserPage), which
 * the client writes and which hold no entity and no user.
 */
@Path("/")
public final class Pages {
    private static final Label PAGE = Label.label("BrowserPage");
    private static final Label CURRENT = Label.label("Current");
    /** What stands in the texts for the folder of these pages, and for the current version's relationship type. */
    private static final String HERE = "@pages@";
    private static final String RELATION_TYPE = "@current@";

    private final DatabaseManagementService databases;

    public Pages(@Context DatabaseManagementService databases) {
        this.databases = databases;
    }

    @GET
    @Path("guide.html")
    @Produces("text/html;charset=UTF-8")
    public Response guide(@Context UriInfo asked) {
        return page("guide.html", asked.getBaseUri());
    }

    @GET
    @Path("style.grass")
    @Produces("text/plain;charset=UTF-8")
    public Response style(@Context UriInfo asked) {
        return page("style.grass", asked.getBaseUri());
    }

    private Response page(String name, URI here) {
        String database = databases.listDatabases().stream().filter(one -> !one.equals("system")).findFirst()
                .orElseThrow();
        try (Transaction tx = databases.database(database).beginTx()) {
            Node page = tx.findNode(PAGE, "name", name);
            if (page == null) {
                return Response.status(404).entity("not written yet: run `audience-graph migrate`\n").build();
            }
            String text = ((String) page.getProperty("text"))
                    .replace(HERE, here.toASCIIString().replaceFirst("/$", ""))
                    .replace(RELATION_TYPE, relationType(tx));
            return Response.ok(text)
                    .header("Cache-Control", "no-store")
                    .header("X-Content-Type-Options", "nosniff")
                    .build();
        }
    }

    private static String relationType(Transaction tx) {
        try (ResourceIterator<Node> nodes = tx.findNodes(CURRENT)) {
            return nodes.stream()
                    .flatMap(current -> current.getRelationships().stream())
                    .map(is -> is.getEndNode().getProperty("relation_type", null))
                    .filter(String.class::isInstance)
                    .map(String.class::cast)
                    .findFirst()
                    .orElse("NOTHING_PUBLISHED");
        }
    }
}
