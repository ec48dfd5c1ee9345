package audience;

import org.neo4j.graphdb.Transaction;
import org.neo4j.internal.kernel.api.NodeCursor;
import org.neo4j.internal.kernel.api.PropertyCursor;
import org.neo4j.internal.kernel.api.TokenRead;
import org.neo4j.kernel.api.KernelTransaction;
import org.neo4j.kernel.impl.coreapi.InternalTransaction;
import org.neo4j.storageengine.api.PropertySelection;
import org.neo4j.values.storable.TextValue;
import org.neo4j.values.storable.Value;

/** Reads id, name and type of single nodes with two reused cursors. Close it. */
final class EntityReader implements AutoCloseable {
    private final KernelTransaction kernel;
    private final NodeCursor node;
    private final PropertyCursor property;
    private final int idKey;
    private final int nameKey;
    private final int typeKey;
    private final PropertySelection idOnly;
    private final PropertySelection shown;
    String name;
    String type;

    EntityReader(Transaction tx) {
        kernel = ((InternalTransaction) tx).kernelTransaction();
        node = kernel.cursors().allocateNodeCursor(kernel.cursorContext(), kernel.memoryTracker());
        property = kernel.cursors().allocatePropertyCursor(kernel.cursorContext(), kernel.memoryTracker());
        TokenRead tokens = kernel.tokenRead();
        idKey = tokens.propertyKey("id");
        nameKey = tokens.propertyKey("name");
        typeKey = tokens.propertyKey("type");
        idOnly = PropertySelection.selection(idKey);
        shown = PropertySelection.selection(nameKey, typeKey);
    }

    /** Return the entity's id, null when the node is gone or has none. */
    String id(long id) {
        kernel.dataRead().singleNode(id, node);
        if (!node.next()) {
            return null;
        }
        node.properties(property, idOnly);
        return property.next() ? text(property.propertyValue()) : null;
    }

    /** Set {@link #name} and {@link #type}; empty text where there is none. */
    void read(long id) {
        name = "";
        type = "";
        kernel.dataRead().singleNode(id, node);
        if (!node.next()) {
            return;
        }
        node.properties(property, shown);
        while (property.next()) {
            int key = property.propertyKey();
            if (key == nameKey) {
                name = text(property.propertyValue());
            } else if (key == typeKey) {
                type = text(property.propertyValue());
            }
        }
    }

    private static String text(Value value) {
        return value instanceof TextValue text ? text.stringValue() : String.valueOf(value.asObject());
    }

    @Override
    public void close() {
        property.close();
        node.close();
    }
}
