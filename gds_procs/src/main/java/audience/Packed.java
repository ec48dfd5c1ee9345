package audience;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Columns of many values as bytes, little endian: a client reads a thousand rows at the price of one value. */
final class Packed {
    private Packed() {
    }

    /** Texts one after another in UTF-8, with their lengths in code points as int32. */
    record Texts(byte[] bytes, byte[] lengths) {
    }

    static Texts texts(List<String> values) {
        StringBuilder all = new StringBuilder(values.size() * 16);
        ByteBuffer lengths = buffer(values.size() * 4);
        for (String value : values) {
            all.append(value);
            lengths.putInt(value.codePointCount(0, value.length()));
        }
        return new Texts(all.toString().getBytes(StandardCharsets.UTF_8), lengths.array());
    }

    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    static byte[] ints(int[] values, int start, int end) {
        ByteBuffer buffer = buffer((end - start) * 4);
        buffer.asIntBuffer().put(values, start, end - start);
        return buffer.array();
    }

    static byte[] doubles(double[] values, int start, int end) {
        ByteBuffer buffer = buffer((end - start) * 8);
        buffer.asDoubleBuffer().put(values, start, end - start);
        return buffer.array();
    }
}
