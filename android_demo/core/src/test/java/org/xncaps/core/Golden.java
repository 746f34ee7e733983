package org.xncaps.core;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;

/** The files of tests/golden/android, which pytest reads too. */
public final class Golden {
  private Golden() {}

  public static File file(String name) {
    return new File(System.getProperty("golden"), name);
  }

  public static byte[] bytes(String name) throws IOException {
    return Files.readAllBytes(file(name).toPath());
  }

  public static Map<String, Object> json(String name) throws IOException {
    return Json.object(Json.parse(new String(bytes(name), StandardCharsets.UTF_8)), name);
  }

  @SuppressWarnings("unchecked")
  static List<Map<String, Object>> rows(Map<String, Object> in, String name) {
    return (List<Map<String, Object>>) in.get(name);
  }

  static int integer(Map<String, Object> in, String name) {
    return ((Number) in.get(name)).intValue();
  }

  static float[] floats(Object list) {
    List<?> items = (List<?>) list;
    float[] out = new float[items.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = ((Number) items.get(i)).floatValue();
    }
    return out;
  }

  static float[] floatFile(String name) throws IOException {
    byte[] all = bytes(name);
    float[] out = new float[all.length / 4];
    ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(out);
    return out;
  }

  static Picture picture(String name) throws IOException {
    BufferedImage image = ImageIO.read(file(name));
    int width = image.getWidth();
    int height = image.getHeight();
    int[] colors = image.getRGB(0, 0, width, height, null, 0, width);
    return Picture.ofColors(width, height, colors);
  }

  static YuvFrame frame(String name, Map<String, Object> about) throws IOException {
    ByteBuffer all = ByteBuffer.wrap(bytes(name + ".yuv"));
    ByteBuffer[] planes = new ByteBuffer[3];
    int at = 0;
    for (int i = 0; i < 3; i++) {
      int size = ((Number) ((List<?>) about.get("plane_bytes")).get(i)).intValue();
      all.limit(at + size);
      all.position(at);
      planes[i] = all.slice();
      at += size;
    }
    return new YuvFrame(
        integer(about, "width"), integer(about, "height"), planes[0], planes[1], planes[2],
        integer(about, "luma_row"), integer(about, "chroma_row"), integer(about, "chroma_pixel"));
  }
}
