package org.xncaps.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A strict parser of RFC 8259 for texts from strangers: bounded depth, no surprises. */
final class JsonParser {
  private static final int DEEPEST = 64;

  private final String text;
  private int at;
  private int depth;

  JsonParser(String text) {
    this.text = text;
  }

  Object document() {
    Object value = value();
    space();
    if (at != text.length()) {
      throw wrong("the end");
    }
    return value;
  }

  private Object value() {
    space();
    if (at == text.length()) {
      throw wrong("a value");
    }
    switch (text.charAt(at)) {
      case '{':
        return map();
      case '[':
        return list();
      case '"':
        return string();
      case 't':
        return word("true", Boolean.TRUE);
      case 'f':
        return word("false", Boolean.FALSE);
      case 'n':
        return word("null", null);
      default:
        return number();
    }
  }

  private Map<String, Object> map() {
    Map<String, Object> out = new LinkedHashMap<>();
    enter();
    if (!take('}')) {
      do {
        space();
        String key = string();
        space();
        expect(':');
        if (out.put(key, value()) != null) {
          throw wrong("each key once, after \"" + key + "\",");
        }
      } while (take(','));
      expect('}');
    }
    depth--;
    return out;
  }

  private List<Object> list() {
    List<Object> out = new ArrayList<>();
    enter();
    if (!take(']')) {
      do {
        out.add(value());
      } while (take(','));
      expect(']');
    }
    depth--;
    return out;
  }

  private void enter() {
    at++;
    if (++depth > DEEPEST) {
      throw wrong("at most " + DEEPEST + " levels");
    }
  }

  private String string() {
    expect('"');
    StringBuilder out = new StringBuilder();
    while (at < text.length() && text.charAt(at) != '"') {
      char c = text.charAt(at++);
      if (c < ' ') {
        throw wrong("an escaped control character");
      }
      out.append(c == '\\' ? escape() : c);
    }
    expect('"');
    return out.toString();
  }

  private char escape() {
    char c = at < text.length() ? text.charAt(at++) : ' ';
    switch (c) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case '"':
      case '\\':
      case '/':
        return c;
      case 'u':
        if (at + 4 <= text.length() && text.substring(at, at + 4).matches("[0-9a-fA-F]{4}")) {
          at += 4;
          return (char) Integer.parseInt(text.substring(at - 4, at), 16);
        }
        throw wrong("four hexadecimal digits");
      default:
        throw wrong("an escape");
    }
  }

  private Object number() {
    int from = at;
    while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    String part = text.substring(from, at);
    if (!part.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
      at = from;
      throw wrong("a value");
    }
    if (part.matches("-?[0-9]{1,18}")) {
      return Long.valueOf(part);
    }
    return Double.valueOf(part);
  }

  private Object word(String word, Object value) {
    if (!text.startsWith(word, at)) {
      throw wrong("a value");
    }
    at += word.length();
    return value;
  }

  private boolean take(char c) {
    space();
    if (at < text.length() && text.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private void expect(char c) {
    if (at == text.length() || text.charAt(at) != c) {
      throw wrong("'" + c + "'");
    }
    at++;
  }

  private void space() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private IllegalArgumentException wrong(String expected) {
    String got = at < text.length() ? "'" + text.charAt(at) + "'" : "the end";
    return new IllegalArgumentException(
        "JSON: expected " + expected + " at character " + at + ", got " + got);
  }
}
