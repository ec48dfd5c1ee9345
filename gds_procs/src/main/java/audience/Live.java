package audience;

import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.api.KernelTransaction;
import org.neo4j.kernel.impl.coreapi.InternalTransaction;
import org.neo4j.kernel.internal.GraphDatabaseAPI;
import org.neo4j.storageengine.api.TransactionIdStore;

/**
 * What may change between two calls, the overlay and the entities' names, kept until the next commit of any kind.
 *
 * A kept state is used again only when no transaction was committed since before it was read and none was then
 * half-way: the last committed id is the same, and was the last closed one too. A transaction that wrote something
 * itself always reads for itself.
 */
final class Live {
    final Overlay overlay;
    private final long transaction;
    private final Shown[] shown;

    record Shown(String name, String type) {
    }

    private Live(Overlay overlay, long transaction) {
        this.overlay = overlay;
        this.transaction = transaction;
        this.shown = transaction < 0 ? null : new Shown[overlay.count()];
    }

    /** Return the state as this transaction sees it: `kept` when nothing was committed since, else a new one. */
    static Live of(Transaction tx, GraphDatabaseAPI database, Relations relations, Live kept) {
        TransactionIdStore ids = database.getDependencyResolver().resolveDependency(TransactionIdStore.class);
        long committed = ids.getLastCommittedTransactionId();
        KernelTransaction kernel = ((InternalTransaction) tx).kernelTransaction();
        boolean own = kernel.dataRead().transactionStateHasChanges();
        if (kept != null && !own && kept.transaction == committed && kept.overlay.entities == relations.entities) {
            return kept;
        }
        boolean settled = !own && ids.getLastClosedTransactionId() == committed;
        return new Live(Overlay.read(tx, relations.entities), settled ? committed : -1);
    }

    boolean mayBeKept() {
        return transaction >= 0;
    }

    Shown shown(int number, EntityReader reader) {
        Shown known = shown == null ? null : shown[number];
        if (known == null) {
            reader.read(overlay.node(number));
            known = new Shown(reader.name, reader.type);
            if (shown != null) {
                shown[number] = known;
            }
        }
        return known;
    }
}
