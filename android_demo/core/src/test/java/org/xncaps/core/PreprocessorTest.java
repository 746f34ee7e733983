package org.xncaps.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** The app's preprocessing equals Pillow's and NumPy's to the bit (tests/golden/android/make.py). */
public final class PreprocessorTest {
  private final Map<String, Object> golden;
  private final float[] expected;

  public PreprocessorTest() throws IOException {
    golden = Golden.json("preprocessing.json");
    expected = Golden.floatFile("expected.f32");
  }

  private static InputSpec spec(Map<String, Object> row) throws IOException {
    List<?> shape = (List<?>) row.get("shape");
    int[] sizes = {1, 0, 0, 0};
    for (int i = 0; i < 3; i++) {
      sizes[i + 1] = ((Number) shape.get(i)).intValue();
    }
    ElementType type = ElementType.valueOf(row.get("type").toString().toUpperCase());
    TensorSpec tensor =
        new TensorSpec(
            sizes, type, ((Number) row.get("scale")).floatValue(),
            Golden.integer(row, "zero_point"));
    return new InputSpec(
        tensor, Golden.floats(row.get("mean")), Golden.floats(row.get("std")),
        Boolean.TRUE.equals(row.get("invert")));
  }

  private ByteBuffer run(Map<String, Object> row, Preprocessor preprocessor) throws IOException {
    int degrees = Golden.integer(row, "degrees");
    if (row.containsKey("picture")) {
      return preprocessor.apply(Golden.picture(row.get("picture").toString()), degrees);
    }
    String name = row.get("frame").toString();
    Map<String, Object> about =
        Json.object(Json.object(golden.get("frames"), "frames").get(name), name);
    YuvFrame frame = Golden.frame(name, about);
    YuvFrame own = YuvFrame.allocate(frame.width, frame.height);
    frame.copyTo(own);
    float share = ((Number) row.get("share")).floatValue();
    ByteBuffer direct = preprocessor.apply(frame, degrees, share).duplicate();
    byte[] first = new byte[direct.remaining()];
    direct.get(first);
    ByteBuffer again = preprocessor.apply(own, degrees, share);
    byte[] second = new byte[again.remaining()];
    again.duplicate().get(second);
    assertArrayEquals("a compact copy gives the same", first, second);
    return again;
  }

  @Test
  public void everyGoldenCaseIsEqualAndNoneIsLeftOver() throws IOException {
    Map<String, Object> specs = Json.object(golden.get("specs"), "specs");
    int at = 0;
    Map<String, Integer> seen = new HashMap<>();
    for (Map<String, Object> row : Golden.rows(golden, "cases")) {
      String specName = row.get("spec").toString();
      InputSpec spec = spec(Json.object(specs.get(specName), specName));
      float[] values = spec.tensor.read(run(row, new Preprocessor(spec)));
      assertEquals(row.toString(), Golden.integer(row, "count"), values.length);
      assertEquals(at, Golden.integer(row, "offset"));
      float[] wanted = Arrays.copyOfRange(expected, at, at + values.length);
      assertArrayEquals(row.toString(), wanted, values, 0);
      at += values.length;
      seen.merge(specName, 1, Integer::sum);
    }
    assertEquals("values that no case expects", expected.length, at);
    assertEquals(specs.keySet(), seen.keySet());
  }

  @Test
  public void transparentPixelsLieOnWhite() {
    Picture picture = Picture.ofColors(2, 1, new int[] {0x00000000, 0x80000000});
    assertEquals(255, picture.at(0, 0, 0));
    assertEquals(127, picture.at(1, 0, 1));
  }

  @Test
  public void greyPictureFillsThreeChannels() throws IOException {
    TensorSpec tensor = new TensorSpec(new int[] {1, 1, 1, 3}, ElementType.FLOAT32, 0, 0);
    InputSpec spec = new InputSpec(tensor, new float[] {0}, new float[] {1}, false);
    Picture grey = new Picture(2, 1, 1, new byte[] {10, 30});
    float[] values = tensor.read(new Preprocessor(spec).apply(grey, 0));
    assertArrayEquals(new float[] {20, 20, 20}, values, 0); // the middle lies on both pixels
  }

  @Test
  public void aShareIsAboveZeroAndAtMostOne() throws IOException {
    for (float share : new float[] {0, -1, 1.5f, Float.NaN}) {
      IllegalArgumentException error =
          org.junit.Assert.assertThrows(
              IllegalArgumentException.class, () -> Part.centered(640, 480, 1, 1, share));
      assertTrue(error.getMessage().contains("expected a share above 0"));
    }
  }
}
