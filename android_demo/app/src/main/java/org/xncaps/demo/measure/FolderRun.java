package org.xncaps.demo.measure;

import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.xncaps.core.measure.Frame.Kind;
import org.xncaps.core.measure.Job;
import org.xncaps.core.measure.Sink;
import org.xncaps.core.measure.Wire;
import org.xncaps.core.measure.Work;

/**
 * One job where the socket is refused: files come from a folder of adb's shell, which apps may read
 * and not write, and the same frames go out through what the host reads.
 */
final class FolderRun implements Runnable {
  static final String ROOT = "/data/local/tmp";
  /** Where the folders of adb's shell lie; tests have another place. */
  static File root = new File(ROOT);

  private static final String FOLDER = ROOT + "/xncaps-[0-9a-f]{32}";
  private static final int LONGEST_JOB = Kind.JOB.longest;

  /** Opens what the frames are written to; waits for a reader where there has to be one. */
  interface Out {
    OutputStream open() throws IOException;
  }

  private final File folder;
  private final String name;
  private final Work work;
  private final Out out;

  /** @throws IllegalArgumentException if the folder is another than the host makes */
  FolderRun(String folder, String name, Work work, Out out) {
    if (folder == null || !folder.matches(FOLDER)) {
      throw new IllegalArgumentException("folder: expected " + FOLDER + ", got " + folder);
    }
    if (name == null || !name.matches("job-[0-9]{1,3}\\.json")) {
      throw new IllegalArgumentException("job: expected job-NUMBER.json, got " + name);
    }
    this.folder = new File(root, new File(folder).getName());
    this.name = name;
    this.work = work;
    this.out = out;
  }

  @Override
  public void run() {
    try (OutputStream stream = new BufferedOutputStream(out.open(), 1 << 16)) {
      Wire wire = new Wire(new ByteArrayInputStream(new byte[0]), stream);
      try {
        work.run(Job.parse(json()), folder, new WireSink(wire));
      } catch (IllegalArgumentException | IOException e) {
        byte[] why = String.valueOf(e.getMessage()).getBytes(StandardCharsets.UTF_8);
        wire.send(Kind.FAIL, "", java.util.Arrays.copyOf(why, Math.min(why.length, 4096)));
      }
    } catch (IOException e) {
      android.util.Log.e("xncaps", "benchmark result lost", e); // nowhere is left to say it
    }
  }

  private String json() throws IOException {
    File file = new File(folder, name);
    if (file.length() > LONGEST_JOB) {
      throw new IOException(name + ": expected at most " + LONGEST_JOB + " bytes");
    }
    byte[] held = new byte[(int) file.length()];
    try (FileInputStream in = new FileInputStream(file)) {
      int at = 0;
      for (int count; at < held.length && (count = in.read(held, at, held.length - at)) > 0; ) {
        at += count;
      }
      return new String(held, 0, at, StandardCharsets.UTF_8);
    }
  }

  private static final class WireSink implements Sink {
    private final Wire wire;

    WireSink(Wire wire) {
      this.wire = wire;
    }

    @Override
    public void send(Kind kind, String name, byte[] content) throws IOException {
      wire.send(kind, name, content);
    }

    @Override
    public void send(Kind kind, Map<String, Object> content) throws IOException {
      wire.send(kind, content);
    }
  }
}
