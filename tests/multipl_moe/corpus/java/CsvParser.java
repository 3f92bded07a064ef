package text;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;

/** Reads comma-separated records; quoted fields may hold commas, quotes and line breaks. */
public final class CsvParser {
    private enum State { FIELD_START, PLAIN, QUOTED, QUOTE_IN_QUOTED }

    private final BufferedReader reader;
    private final char separator;

    public CsvParser(Reader reader, char separator) {
        this.reader = new BufferedReader(reader);
        this.separator = separator;
    }

    /** Returns the next record, or null at the end of the input. */
    public List<String> next() throws IOException {
        List<String> record = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        State state = State.FIELD_START;
        int character = reader.read();
        if (character < 0) {
            return null;
        }
        while (character >= 0) {
            char c = (char) character;
            switch (state) {
                case QUOTED:
                    if (c == '"') {
                        state = State.QUOTE_IN_QUOTED;
                    } else {
                        field.append(c);
                    }
                    break;
                case QUOTE_IN_QUOTED:
                    if (c == '"') {
                        field.append(c);
                        state = State.QUOTED;
                        break;
                    }
                    // fall through: the quote ended the field
                default:
                    if (c == '\n') {
                        record.add(field.toString());
                        return record;
                    } else if (c == separator) {
                        record.add(field.toString());
                        field.setLength(0);
                        state = State.FIELD_START;
                    } else if (c == '"' && state == State.FIELD_START) {
                        state = State.QUOTED;
                    } else if (c != '\r') {
                        field.append(c);
                        state = State.PLAIN;
                    }
            }
            character = reader.read();
        }
        if (state == State.QUOTED) {
            throw new IOException("a quoted field does not end");
        }
        record.add(field.toString());
        return record;
    }
}
