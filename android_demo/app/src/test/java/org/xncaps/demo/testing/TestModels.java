package org.xncaps.demo.testing;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.robolectric.RuntimeEnvironment;
import org.xncaps.core.Scores;
import org.xncaps.demo.models.ModelStore;

/** The golden models and what Python's runtime says of them (tests/golden/android). */
public final class TestModels {
  public static final int CASES = 16;
  public static final int CLASSES = 10;
  public static final int PIXELS = 64;

  private TestModels() {}

  public static byte[] bytes(String name) throws IOException {
    return Files.readAllBytes(new File(System.getProperty("golden"), name).toPath());
  }

  public static float[][] rows(String name, int columns) throws IOException {
    byte[] all = bytes(name);
    ByteBuffer in = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
    float[][] rows = new float[all.length / 4 / columns][columns];
    for (float[] row : rows) {
      for (int i = 0; i < columns; i++) {
        row[i] = in.getFloat();
      }
    }
    return rows;
  }

  /** The class with the highest score. */
  public static int best(float[] scores) {
    int best = 0;
    for (int c = 1; c < scores.length; c++) {
      best = scores[c] > scores[best] ? c : best;
    }
    return best;
  }

  public static ModelStore.Loaded loaded(String name) throws IOException {
    return loaded(name, bytes(name));
  }

  public static ModelStore.Loaded loaded(String name, byte[] content) {
    ByteBuffer direct = ByteBuffer.allocateDirect(content.length).order(ByteOrder.nativeOrder());
    direct.put(content);
    direct.rewind();
    return new ModelStore.Loaded(name, direct);
  }

  /** A file with this content, as the user would have it on the device. */
  public static File file(String name, byte[] content) throws IOException {
    File file = new File(Files.createTempDirectory("models").toFile(), name);
    Files.write(file.toPath(), content);
    return file;
  }

  /** A copy in the app's storage, as after adding it; its reference. */
  public static String added(String name, byte[] content) throws IOException {
    File folder = new File(RuntimeEnvironment.getApplication().getFilesDir(), "models");
    Files.createDirectories(folder.toPath());
    Files.write(new File(folder, name).toPath(), content);
    return ModelStore.PICKED + name;
  }

  /** The share of the best class that the app shows for these outputs, in whole percent. */
  public static long percent(float[] outputs) {
    return Math.round(100 * Scores.UNKNOWN.shares(outputs)[best(outputs)]);
  }

  public static String uri(File file) {
    return android.net.Uri.fromFile(file).toString();
  }

  /** The fused model with its custom op under a name that nobody knows. */
  public static byte[] withUnknownOp() throws IOException {
    return replaced(bytes("tiny_fused.tflite"), "XnCapsOdr", "XnCapsOdX");
  }

  public static byte[] replaced(byte[] content, String from, String to) {
    String text = new String(content, StandardCharsets.ISO_8859_1);
    if (!text.contains(from) || from.length() != to.length()) {
      throw new IllegalArgumentException("expected " + from + " in the file");
    }
    return text.replace(from, to).getBytes(StandardCharsets.ISO_8859_1);
  }

  public static ByteBuffer input(float[] pixels) {
    ByteBuffer out = ByteBuffer.allocateDirect(4 * pixels.length).order(ByteOrder.nativeOrder());
    for (float pixel : pixels) {
      out.putFloat(pixel);
    }
    out.rewind();
    return out;
  }
}
