package org.xncaps.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import org.junit.Test;

/** Stored inputs become the tensor's own type, and outputs are held against the stored ones. */
public final class StoredCheckTest {
  private static final String HEAD =
      "{\"allowed\":%d,\"inputs\":\"%s\",\"rows\":2,\"source\":\"digits/test\",\"tolerance\":0.5}\n";

  private static ClassifierModel model(ElementType in, ElementType out) throws Exception {
    TensorSpec input = new TensorSpec(new int[] {1, 1, 2, 1}, in, 0.5f, -10);
    TensorSpec output = new TensorSpec(new int[] {1, 3}, out, 0.25f, 4);
    return new ClassifierModel(
        "m.tflite", "m", "", new InputSpec(input, new float[] {0}, new float[] {1}, false), output,
        Scores.UNKNOWN, Collections.<String>emptyList(), false, null);
  }

  private static byte[] content(String head, byte[] inputs, float... outputs) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] line = head.getBytes(StandardCharsets.UTF_8);
    out.write(line, 0, line.length);
    out.write(inputs, 0, inputs.length);
    ByteBuffer floats = ByteBuffer.allocate(4 * outputs.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : outputs) {
      floats.putFloat(value);
    }
    out.write(floats.array(), 0, floats.capacity());
    return out.toByteArray();
  }

  private static byte[] pixels(int allowed) {
    return content(
        String.format(HEAD, allowed, "uint8"), new byte[] {0, 7, (byte) 200, (byte) 255},
        1, 2, 3, 3, 2, 1);
  }

  private static byte[] floats(float... values) {
    ByteBuffer out = ByteBuffer.allocate(4 * values.length).order(ByteOrder.nativeOrder());
    for (float value : values) {
      out.putFloat(value);
    }
    return out.array();
  }

  @Test
  public void pixelsBecomeTheTensorsOwnType() throws Exception {
    StoredCheck check = StoredCheck.parse(pixels(0), model(ElementType.INT8, ElementType.FLOAT32));
    ByteBuffer inputs = check.inputs();
    assertEquals(4, inputs.remaining());
    assertEquals("0 / 0.5 - 10", -10, inputs.get(0));
    assertEquals(4, inputs.get(1));
    assertEquals("cut at the type's end", 127, inputs.get(3));
    check = StoredCheck.parse(pixels(0), model(ElementType.FLOAT32, ElementType.FLOAT32));
    assertEquals(200, check.inputs().getFloat(8), 0);
    assertEquals("digits/test", check.source);
  }

  @Test
  public void outputsAreJudgedByToleranceAndAllowedRows() throws Exception {
    ClassifierModel model = model(ElementType.FLOAT32, ElementType.FLOAT32);
    StoredCheck strict = StoredCheck.parse(pixels(0), model);
    StoredCheck.Verdict near = strict.judge(floats(1, 2, 3.5f, 3, 2, 1));
    assertTrue(near.good);
    assertEquals(0.5, near.maxError, 0);
    assertEquals(0.5 / 6, near.meanError, 1e-9);
    assertEquals(2, near.equalTop1);
    StoredCheck.Verdict far = strict.judge(floats(1, 2, 3, 3, 2, 3.6f));
    assertFalse(far.good);
    assertEquals(1, far.over);
    assertEquals(1, far.equalTop1);
    assertTrue("one row may", StoredCheck.parse(pixels(1), model).judge(floats(1, 2, 3, 3, 2, 9)).good);
  }

  @Test
  public void whatIsNoNumberIsFurtherThanAnyTolerance() throws Exception {
    StoredCheck check =
        StoredCheck.parse(pixels(0), model(ElementType.FLOAT32, ElementType.FLOAT32));
    StoredCheck.Verdict verdict = check.judge(floats(1, Float.NaN, 3, 3, 2, 1));
    assertFalse(verdict.good);
    assertEquals(1, verdict.over);
  }

  @Test
  public void integersOfTheOutputAreRealNumbersFirst() throws Exception {
    StoredCheck check = StoredCheck.parse(pixels(0), model(ElementType.INT8, ElementType.INT8));
    assertTrue(check.judge(new byte[] {8, 12, 16, 16, 12, 8}).good); // (q - 4) / 4
    assertFalse(check.judge(new byte[] {8, 12, 16, 16, 12, 0}).good);
    assertThrows(IllegalArgumentException.class, () -> check.judge(new byte[5]));
  }

  @Test
  public void whatIsNoCheckOfThisModelIsRefused() throws Exception {
    ClassifierModel model = model(ElementType.INT8, ElementType.FLOAT32);
    byte[] good = pixels(0);
    String[][] bad = {
      {"no line", "a line of JSON"}, {"{}\n", "rows: expected a Long"}, {"[]\n", "an object"},
      {String.format(HEAD, 0, "int4"), "expected uint8 or float32"},
      {String.format(HEAD, 0, "float32"), "bytes for this model"},
      {String.format(HEAD, -1, "uint8"), "allowed: expected 0 to 1000"},
    };
    for (String[] row : bad) {
      Exception error =
          assertThrows(
              IllegalArgumentException.class,
              () -> StoredCheck.parse(row[0].getBytes(StandardCharsets.UTF_8), model));
      assertTrue(error.getMessage(), error.getMessage().contains(row[1]));
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> StoredCheck.parse(java.util.Arrays.copyOf(good, good.length - 1), model));
  }
}
