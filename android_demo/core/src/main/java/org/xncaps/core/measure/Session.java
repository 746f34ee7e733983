package org.xncaps.core.measure;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.xncaps.core.measure.Frame.Kind;

/** One host: its files, its jobs, one after the other, until it closes or breaks the protocol. */
final class Session {
  private static final long MOST_BYTES = 2L << 30;
  private static final int MOST_FILES = 256;

  private final Wire wire;
  private final File folder;
  private final Work work;
  private final Silence silence;
  private final Map<String, Object> hello;
  private final Sink sink = new Sink() {
    @Override
    public void send(Kind kind, String name, byte[] content) throws IOException {
      wire.send(kind, name, content);
    }

    @Override
    public void send(Kind kind, Map<String, Object> content) throws IOException {
      if (kind == Kind.RESULT) {
        running = false; // the host may send its next job at once
        silence.start(wire::heardNanos);
      }
      wire.send(kind, content);
    }
  };
  private volatile boolean running;
  private Thread job;
  private long bytes;
  private int files;

  /** @param hello what the app says of itself, with the protocol's version */
  Session(Wire wire, File folder, Work work, Silence silence, Map<String, Object> hello) {
    this.wire = wire;
    this.folder = folder;
    this.work = work;
    this.silence = silence;
    this.hello = hello;
  }

  /** Serves the host; returns once it is gone, with why it was sent away, or null. */
  String serve() {
    try {
      wire.send(Kind.HELLO, hello);
      silence.start(wire::heardNanos);
      greet();
      for (Frame frame = wire.next(); frame != null; frame = wire.next()) {
        if (frame.kind == Kind.END) {
          wire.copy(frame, new ByteArrayOutputStream());
          end(); // the host stops the app once it is told that nothing is left
          wire.send(Kind.OKAY, "", new byte[0]);
          return null;
        }
        take(frame);
      }
      return null;
    } catch (ProtocolException | IllegalArgumentException e) {
      wire.fail(e.getMessage());
      return e.getMessage();
    } catch (IOException e) {
      return "connection lost: " + e.getMessage();
    } finally {
      silence.stop();
      end();
    }
  }

  private void greet() throws IOException {
    Frame frame = wire.next();
    if (frame == null || frame.kind != Kind.HELLO) {
      throw new ProtocolException("hello: expected HELLO first, got " + kind(frame));
    }
    Object version = wire.json(frame).get("protocol");
    if (!Long.valueOf(MeasureServer.PROTOCOL).equals(version)) {
      throw new ProtocolException(
          "protocol: expected version " + MeasureServer.PROTOCOL + ", got " + version);
    }
  }

  private static String kind(Frame frame) {
    return frame == null ? "the end" : frame.kind.toString();
  }

  private void take(Frame frame) throws IOException {
    if (running) {
      throw new ProtocolException("busy: expected the job to end first, got " + frame.kind);
    }
    switch (frame.kind) {
      case PUT:
        put(frame);
        break;
      case JOB:
        begin(Job.parse(new String(wire.content(frame), StandardCharsets.UTF_8)));
        break;
      default:
        throw new ProtocolException("frame: expected PUT or JOB, got " + frame.kind);
    }
  }

  private void put(Frame frame) throws IOException {
    bytes += frame.length;
    if (frame.name.isEmpty() || ++files > MOST_FILES || bytes > MOST_BYTES) {
      throw new ProtocolException(
          "PUT: expected at most " + MOST_FILES + " named files of " + MOST_BYTES
              + " bytes together, got '" + frame.name + "'");
    }
    try (Storage out = new Storage(new File(folder, frame.name), frame.length)) {
      wire.copy(frame, out);
      out.check();
    }
    wire.send(Kind.OKAY, frame.name, new byte[0]);
  }

  private void begin(final Job given) {
    // Until the job's end the host has nothing to say, and this thread sleeps in a read.
    silence.stop();
    join();
    running = true;
    job = new Thread(() -> run(given), "benchmark");
    job.start();
  }

  private void run(Job given) {
    try {
      work.run(given, folder, sink);
    } catch (IOException e) {
      // The host went away: its end of the connection tells it as well.
      java.util.logging.Logger.getLogger("xncaps").info("the job's result is lost: " + e);
    } finally {
      running = false;
    }
  }

  private void end() {
    work.cancel();
    join();
    delete(folder);
  }

  private void join() {
    try {
      if (job != null) {
        job.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * A file; where it cannot be written the rest of the frame is still taken, so that the host, which
   * sends on, comes to hear why.
   */
  private static final class Storage extends OutputStream {
    private final String name;
    private OutputStream file;
    private String refusal;

    Storage(File file, long length) {
      name = file.getName();
      long free = file.getParentFile().getUsableSpace();
      if (free < length) {
        refusal = "expected " + length + " bytes for " + name + ", got " + free;
        return;
      }
      try {
        this.file = new FileOutputStream(file);
      } catch (IOException e) {
        refusal = name + ": " + e.getMessage();
      }
    }

    @Override
    public void write(int value) {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int count) {
      try {
        if (refusal == null) {
          file.write(bytes, from, count);
        }
      } catch (IOException e) {
        refusal = name + ": " + e.getMessage();
      }
    }

    void check() throws ProtocolException {
      if (refusal != null) {
        throw new ProtocolException("storage: " + refusal);
      }
    }

    @Override
    public void close() throws IOException {
      if (file != null) {
        file.close();
      }
    }
  }

  /** The folder with all that is in it. */
  static void delete(File file) {
    File[] inside = file.listFiles();
    for (File each : inside == null ? new File[0] : inside) {
      delete(each);
    }
    if (!file.delete() && file.exists()) {
      java.util.logging.Logger.getLogger("xncaps").warning("not deleted: " + file);
    }
  }

  static Map<String, Object> hello(Map<String, Object> app) {
    Map<String, Object> hello = new LinkedHashMap<>();
    hello.put("protocol", MeasureServer.PROTOCOL);
    hello.put("app", app);
    return hello;
  }
}
