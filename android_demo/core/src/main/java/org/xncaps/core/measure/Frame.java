package org.xncaps.core.measure;

import java.nio.charset.StandardCharsets;

/** The head of one message of docs/adb-protocol.md: what it is, its name and how long it is. */
public final class Frame {
  /** Kind (4), length of the name (4), length of the content (8), SHA-256 of both (32). */
  static final int HEAD_BYTES = 48;
  static final int LONGEST_NAME = 100;

  /** What a message is, and how long its content may be: checked before anything is allocated. */
  public enum Kind {
    HELLO("HELO", 4 << 10),
    PUT("PUT ", 512 << 20),
    OKAY("OKAY", 0),
    JOB("JOB ", 16 << 20),
    STATUS("STAT", 64 << 10),
    PARTIAL("PART", 64 << 20),
    OUTPUT("OUTP", 256 << 20),
    RESULT("RSLT", 1 << 20),
    END("END ", 0),
    FAIL("FAIL", 4 << 10);

    final byte[] code;
    public final int longest;

    Kind(String code, int longest) {
      this.code = code.getBytes(StandardCharsets.US_ASCII);
      this.longest = longest;
    }

    static Kind of(byte[] head) throws ProtocolException {
      for (Kind kind : values()) {
        if (head[0] == kind.code[0] && head[1] == kind.code[1] && head[2] == kind.code[2]
            && head[3] == kind.code[3]) {
          return kind;
        }
      }
      throw new ProtocolException(
          "frame: expected a known kind, got "
              + String.format("%02x%02x%02x%02x", head[0], head[1], head[2], head[3]));
    }
  }

  public final Kind kind;
  public final String name;
  public final int length;
  final byte[] digest;

  Frame(Kind kind, String name, int length, byte[] digest) {
    this.kind = kind;
    this.name = name;
    this.length = length;
    this.digest = digest;
  }

  /** Names become files in the job's own folder: no separators, no dot in front. */
  static boolean isSafe(String name) {
    return name.matches("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}");
  }
}
