package org.xncaps.core;

import java.util.Map;

/** JSON text to and from maps, lists, strings, doubles, longs, booleans and null. */
public final class Json {
  private Json() {}

  /** @throws IllegalArgumentException with the place where the text is not JSON */
  public static Object parse(String text) {
    return new JsonParser(text).document();
  }

  /**
   * Writes maps (in their order), iterables, arrays of long and double, strings, numbers, booleans
   * and null. What JSON has no number for (NaN, infinities) becomes null.
   */
  public static String write(Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out);
    return out.toString();
  }

  /** @throws IllegalArgumentException if the value is no JSON object */
  @SuppressWarnings("unchecked") // the parser only makes maps with string keys
  public static Map<String, Object> object(Object value, String where) {
    if (!(value instanceof Map)) {
      throw new IllegalArgumentException(where + ": expected an object, got " + value);
    }
    return (Map<String, Object>) value;
  }

  private static void write(Object value, StringBuilder out) {
    if (value == null) {
      out.append("null");
    } else if (value instanceof Map) {
      writeMap((Map<?, ?>) value, out);
    } else if (value instanceof Iterable) {
      char separator = '[';
      for (Object item : (Iterable<?>) value) {
        out.append(separator);
        write(item, out);
        separator = ',';
      }
      out.append(separator == '[' ? "[]" : "]");
    } else if (value instanceof long[]) {
      java.util.List<Long> items = new java.util.ArrayList<>();
      for (long item : (long[]) value) {
        items.add(item);
      }
      write(items, out);
    } else if (value instanceof float[]) {
      java.util.List<Float> items = new java.util.ArrayList<>();
      for (float item : (float[]) value) {
        items.add(item);
      }
      write(items, out);
    } else if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      boolean finite = !Double.isNaN(number) && !Double.isInfinite(number);
      out.append(finite ? value.toString() : "null");
    } else if (value instanceof Number || value instanceof Boolean) {
      out.append(value);
    } else {
      quote(value.toString(), out);
    }
  }

  private static void writeMap(Map<?, ?> map, StringBuilder out) {
    char separator = '{';
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      out.append(separator);
      quote(String.valueOf(entry.getKey()), out);
      out.append(':');
      write(entry.getValue(), out);
      separator = ',';
    }
    out.append(separator == '{' ? "{}" : "}");
  }

  private static void quote(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c == '\n') {
        out.append("\\n");
      } else if (c < ' ' || Character.isSurrogate(c) || c == '\u2028' || c == '\u2029') {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }
}
