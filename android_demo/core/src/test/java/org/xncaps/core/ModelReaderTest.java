package org.xncaps.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import org.junit.Test;

/** What the standard metadata reader makes of the files that xncaps convert writes. */
public final class ModelReaderTest {
  private static ClassifierModel read(byte[] file) throws ModelException {
    return ModelReader.read(ByteBuffer.wrap(file), "file.tflite");
  }

  private static byte[] replaced(String from, String to) throws IOException {
    String text = new String(Golden.bytes("tiny_fused.tflite"), StandardCharsets.ISO_8859_1);
    assertTrue(from, text.contains(from));
    assertEquals("the same length", from.length(), to.length());
    return text.replace(from, to).getBytes(StandardCharsets.ISO_8859_1);
  }

  private static ModelException refused(byte[] file) {
    return assertThrows(ModelException.class, () -> read(file));
  }

  @Test
  public void readsWhatTheConverterWrote() throws IOException {
    ClassifierModel model = read(Golden.bytes("tiny_fused.tflite"));
    assertEquals("tiny_digits", model.name);
    assertTrue(model.hasMetadata && model.hasLabels);
    assertEquals(Arrays.asList("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"), model.labels);
    assertEquals(10, model.classes());
    assertEquals("float32[1, 8, 8, 1]", model.input.tensor.toString());
    assertEquals("float32[1, 10]", model.output.toString());
    assertTrue("digits are light on dark", model.input.invert);
    assertEquals(0, model.input.mean(0), 0);
    assertEquals(1, model.input.std(0), 0);
    assertEquals(Collections.singleton("XnCapsOdr"), model.ops.delegated);
    assertTrue(model.ops.unknown.isEmpty());
    assertTrue(read(Golden.bytes("tiny_float.tflite")).ops.delegated.isEmpty());
  }

  @Test
  public void withoutMetadataPixelsGoInAsTheyAre() throws IOException {
    ClassifierModel model = read(replaced("TFLITE_METADATA", "XFLITE_METADATA"));
    assertFalse(model.hasMetadata || model.hasLabels || model.input.invert);
    assertEquals("file.tflite", model.name);
    assertEquals("class 9", model.labels.get(9));
  }

  @Test
  public void otherPolarityIsNotInverted() throws IOException {
    assertFalse(read(replaced("light_on_dark", "dark_on_light")).input.invert);
  }

  @Test
  public void contradictionsAreNamed() throws IOException {
    ModelException error = refused(replaced("\"channel_order\": \"GRAYSCALE\"", "\"channel_order\": \"RGB\"      "));
    assertEquals(ModelException.Kind.METADATA, error.kind);
    assertTrue(error.getMessage(), error.getMessage().contains("expected 1 channels"));
    error = refused(replaced("0\n1\n2\n3\n", "0\n1\n2_3\n"));
    assertEquals(ModelException.Kind.METADATA, error.kind);
    assertTrue(error.getMessage(), error.getMessage().contains("expected 10 class names"));
    error = refused(replaced("\"format_version\"", "\"format_version,"));
    assertEquals(ModelException.Kind.METADATA, error.kind);
    assertTrue(error.getMessage(), error.getMessage().contains("xncaps.json: JSON: expected"));
  }

  @Test
  public void ofANewerVersionIsSaidToBeSo() throws IOException {
    String told = "\"format_version\": 1";
    assertTrue(read(replaced(told, "\"format_version\": 2")).hasMetadata);
    for (String odd : new String[] {": 3", ": 0", ":-1", ":\"\""}) {
      ModelException error = refused(replaced(told, "\"format_version\"" + odd));
      assertEquals(ModelException.Kind.METADATA, error.kind);
      assertTrue(error.getMessage(), error.getMessage().contains("expected 1 to 2, got "));
    }
  }

  @Test
  public void opsAreChecked() throws IOException {
    ClassifierModel fused = read(Golden.bytes("tiny_fused.tflite"));
    fused.ops.check(true);
    ModelException error = assertThrows(ModelException.class, () -> fused.ops.check(false));
    assertEquals(ModelException.Kind.NEEDS_DELEGATE, error.kind);
    ClassifierModel odd = read(replaced("XnCapsOdr", "XnCapsNew"));
    error = assertThrows(ModelException.class, () -> odd.ops.check(true));
    assertEquals(ModelException.Kind.UNKNOWN_OP, error.kind);
    assertTrue(error.getMessage(), error.getMessage().contains("[XnCapsNew]"));
  }

  @Test
  public void damagedFilesEndInAModelException() throws IOException {
    byte[] good = Golden.bytes("tiny_fused.tflite");
    Random random = new Random(2);
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] bad = good.clone();
      boolean cut = i % 3 == 0;
      if (cut) {
        bad = Arrays.copyOf(bad, random.nextInt(bad.length));
      }
      for (int k = 0; k < 3 && bad.length > 0; k++) {
        int where = random.nextBoolean() ? Math.min(bad.length, 4096) : bad.length;
        bad[random.nextInt(where)] = (byte) random.nextInt(256);
      }
      try {
        read(bad);
      } catch (ModelException e) {
        refused++;
      }
    }
    assertTrue("refused " + refused, refused > 500);
  }
}
