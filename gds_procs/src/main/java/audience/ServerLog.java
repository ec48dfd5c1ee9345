package audience;

import java.util.List;
import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.impl.coreapi.InternalTransaction;
import org.neo4j.logging.Log;

/** Tells the server's log who asked for sensitive entities, or decided something, and why. */
final class ServerLog {
    private static final int LONGEST = 1000;

    private ServerLog() {
    }

    /** Write a line to the server's log where the options let sensitive entities in, before anything is answered. */
    static void told(Transaction tx, Log log, String procedure, List<String> seeds, Options options) {
        if (options.sensitive()) {
            log.warn("%s: sensitive entities asked for by '%s' because '%s', seeds %s", procedure, oneLine(user(tx)),
                    oneLine(options.because()), oneLine(String.valueOf(seeds)));
        }
    }

    /** Return the database user who runs the transaction. */
    static String user(Transaction tx) {
        return ((InternalTransaction) tx).kernelTransaction().securityContext().subject().executingUser();
    }

    static String oneLine(String text) {
        String line = String.valueOf(text).replaceAll("[\\p{Cntrl}\\u2028\\u2029]+", " ");
        return line.length() > LONGEST ? line.substring(0, LONGEST) + "..." : line;
    }
}
