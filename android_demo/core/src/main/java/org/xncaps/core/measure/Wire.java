package org.xncaps.core.measure;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Map;
import org.xncaps.core.Json;
import org.xncaps.core.measure.Frame.Kind;

/** Frames over two streams. One thread reads; any may send. */
public final class Wire {
  private static final int CHUNK = 64 << 10;

  private final InputStream in;
  private final OutputStream out;
  private volatile long heardNanos = System.nanoTime();

  public Wire(InputStream in, OutputStream out) {
    this.in = in;
    this.out = out;
  }

  /** When the other end was last heard of, on the clock of System.nanoTime. */
  long heardNanos() {
    return heardNanos;
  }

  /** The head of the next frame; null where the other end has closed. Its content has to be taken. */
  public Frame next() throws IOException {
    int first = in.read();
    heardNanos = System.nanoTime();
    if (first < 0) {
      return null;
    }
    byte[] head = new byte[Frame.HEAD_BYTES];
    head[0] = (byte) first;
    fill(head, 1);
    Kind kind = Kind.of(head);
    ByteBuffer numbers = ByteBuffer.wrap(head);
    int nameBytes = numbers.getInt(4);
    long length = numbers.getLong(8);
    if (nameBytes < 0 || nameBytes > Frame.LONGEST_NAME) {
      throw new ProtocolException(
          kind + ": expected a name of at most " + Frame.LONGEST_NAME + " bytes, got " + nameBytes);
    }
    if (length < 0 || length > kind.longest) {
      throw new ProtocolException(
          kind + ": expected at most " + kind.longest + " bytes, got " + length);
    }
    byte[] name = new byte[nameBytes];
    fill(name, 0);
    String text = new String(name, StandardCharsets.US_ASCII);
    if (nameBytes > 0 && !Frame.isSafe(text)) {
      throw new ProtocolException(kind + ": expected a name of A-Z a-z 0-9 . _ -, got " + text);
    }
    return new Frame(kind, text, (int) length, Arrays.copyOfRange(head, 16, Frame.HEAD_BYTES));
  }

  /** The content of a frame that is small enough to be held. */
  public byte[] content(Frame frame) throws IOException {
    ByteArrayOutputStream held = new ByteArrayOutputStream(Math.min(frame.length, CHUNK));
    copy(frame, held);
    return held.toByteArray();
  }

  /** The content of a frame as JSON. */
  Map<String, Object> json(Frame frame) throws IOException {
    String text = new String(content(frame), StandardCharsets.UTF_8);
    return Json.object(Json.parse(text), frame.kind.toString());
  }

  /** Hands on the content of a frame, and checks it by its digest. */
  public void copy(Frame frame, OutputStream to) throws IOException {
    MessageDigest digest = sha256();
    digest.update(frame.name.getBytes(StandardCharsets.US_ASCII));
    byte[] chunk = new byte[Math.min(CHUNK, Math.max(frame.length, 1))];
    for (int left = frame.length; left > 0; ) {
      int count = in.read(chunk, 0, Math.min(left, chunk.length));
      if (count < 0) {
        throw new EOFException(frame.kind + ": the connection ended " + left + " bytes early");
      }
      heardNanos = System.nanoTime();
      digest.update(chunk, 0, count);
      to.write(chunk, 0, count);
      left -= count;
    }
    if (!MessageDigest.isEqual(digest.digest(), frame.digest)) {
      throw new ProtocolException(frame.kind + " " + frame.name + ": its SHA-256 is another");
    }
  }

  /** Sends a frame whole, whichever thread sends another. */
  public void send(Kind kind, String name, byte[] content) throws IOException {
    if (content.length > kind.longest) {
      throw new ProtocolException(
          kind + ": expected at most " + kind.longest + " bytes, got " + content.length);
    }
    byte[] named = name.getBytes(StandardCharsets.US_ASCII);
    MessageDigest digest = sha256();
    digest.update(named);
    ByteBuffer head = ByteBuffer.allocate(Frame.HEAD_BYTES + named.length);
    head.put(kind.code).putInt(named.length).putLong(content.length);
    head.put(digest.digest(content)).put(named);
    synchronized (out) {
      out.write(head.array());
      out.write(content);
      out.flush();
    }
  }

  public void send(Kind kind, Map<String, Object> content) throws IOException {
    send(kind, "", Json.write(content).getBytes(StandardCharsets.UTF_8));
  }

  /** Tells the other end why it is refused; that it may be gone already is no news. */
  void fail(String why) {
    byte[] text = why.getBytes(StandardCharsets.UTF_8);
    try {
      send(Kind.FAIL, "", Arrays.copyOf(text, Math.min(text.length, Kind.FAIL.longest)));
    } catch (IOException e) {
      java.util.logging.Logger.getLogger("xncaps").fine("not told: " + why + ": " + e);
    }
  }

  static void closeQuietly(Closeable open) {
    try {
      open.close();
    } catch (IOException e) {
      java.util.logging.Logger.getLogger("xncaps").fine("closing: " + e);
    }
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private void fill(byte[] bytes, int from) throws IOException {
    for (int at = from; at < bytes.length; ) {
      int count = in.read(bytes, at, bytes.length - at);
      if (count < 0) {
        throw new EOFException("frame: the connection ended within its head");
      }
      at += count;
    }
    heardNanos = System.nanoTime();
  }
}
