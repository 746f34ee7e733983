package org.xncaps.demo.measure;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.xncaps.core.Json;

/** The folder of one benchmark job: what the host put there, and what it fetches. */
public final class BenchmarkFolder {
  public static final String RESULT = "result.json";
  public static final String STATUS = "status.json";

  private final File folder;

  public BenchmarkFolder(File folder) throws IOException {
    this.folder = folder;
    if (!folder.isDirectory() && !folder.mkdirs()) {
      throw new IOException("expected to make the folder " + folder);
    }
  }

  public File file(String name) {
    return new File(folder, name);
  }

  public void writeStatus(Map<String, Object> status) throws IOException {
    write(STATUS, status);
  }

  public void writeResult(Map<String, Object> result) throws IOException {
    write(RESULT, result);
  }

  public void writeRejection(Map<String, Object> answer) throws IOException {
    write("rejected.json", answer);
  }

  /** Written beside and renamed: the host never reads half a file. */
  private void write(String name, Map<String, Object> content) throws IOException {
    File part = file(name + ".part");
    try (FileOutputStream out = new FileOutputStream(part)) {
      out.write(Json.write(content).getBytes(StandardCharsets.UTF_8));
      out.getFD().sync();
    }
    if (!part.renameTo(file(name))) {
      throw new IOException("expected to rename " + part);
    }
  }

  public ByteBuffer map(String name) throws IOException {
    try (RandomAccessFile in = new RandomAccessFile(file(name), "r")) {
      return in.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, in.length());
    }
  }
}
