package org.xncaps.demo.models;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.xncaps.core.ModelException;
import org.xncaps.demo.R;
import org.xncaps.demo.testing.Memory;
import org.xncaps.demo.testing.TestModels;

/** Real inference by Android's own TensorFlow Lite and our delegate, against Python's results. */
@RunWith(RobolectricTestRunner.class)
public final class ClassifierTest {
  private static void check(ModelStore.Loaded file, String golden, int threads, boolean delegate)
      throws Exception {
    float[][] inputs = TestModels.rows("digits.inputs.f32", TestModels.PIXELS);
    float[][] expected = TestModels.rows(golden + ".outputs.f32", TestModels.CLASSES);
    assertEquals(TestModels.CASES, inputs.length);
    assertEquals(TestModels.CASES, expected.length);
    try (Classifier classifier = Classifier.open(file, threads, delegate)) {
      assertNull(classifier.delegateFailure);
      boolean runs = !golden.equals("tiny_float"); // which has no op for it
      assertEquals(delegate && runs, classifier.runtime.contains("xncaps"));
      assertTrue(classifier.runtime, classifier.runtime.startsWith("TensorFlow Lite 2.16.1"));
      for (int i = 0; i < inputs.length; i++) {
        float[] scores = classifier.run(TestModels.input(inputs[i]));
        assertArrayEquals(
            golden + " case " + i + " " + Arrays.toString(scores), expected[i], scores, 1e-5f);
      }
    }
  }

  @Test
  public void floatModelEqualsPythonWithAndWithoutDelegate() throws Exception {
    for (int threads = 1; threads <= Settings.MOST_THREADS; threads++) {
      check(TestModels.loaded("tiny_float.tflite"), "tiny_float", threads, false);
      check(TestModels.loaded("tiny_float.tflite"), "tiny_float", threads, true);
    }
  }

  @Test
  public void fusedModelEqualsPythonWithDelegate() throws Exception {
    for (int threads = 1; threads <= Settings.MOST_THREADS; threads++) {
      check(TestModels.loaded("tiny_fused.tflite"), "tiny_fused", threads, true);
    }
  }

  @Test
  public void binaryModelEqualsPythonWithDelegate() throws Exception {
    // No activation of these cases lies so near zero that a sign flips between the two runtimes.
    for (int threads = 1; threads <= Settings.MOST_THREADS; threads++) {
      check(TestModels.loaded("binary_lce.tflite"), "binary_lce", threads, true);
    }
  }

  @Test
  public void modelOfTheAppEqualsPython() throws Exception {
    ModelStore store = new ModelStore(RuntimeEnvironment.getApplication());
    assertEquals(Arrays.asList("asset:digits.tflite"), store.assets());
    // int8 kernels round differently from version to version (2.16.1 here, LiteRT 2 in Python),
    // and a sign that flips near zero moves a score of the capsule layer; the answer stays
    float[][] expected = TestModels.rows("app.outputs.f32", TestModels.CLASSES);
    float[][] inputs = TestModels.rows("digits.inputs.f32", TestModels.PIXELS);
    double sum = 0;
    try (Classifier classifier = Classifier.open(store.load(""), 2, true)) {
      for (int i = 0; i < inputs.length; i++) {
        float[] scores = classifier.run(TestModels.input(inputs[i]));
        assertEquals("case " + i, TestModels.best(expected[i]), TestModels.best(scores));
        for (int c = 0; c < scores.length; c++) {
          assertEquals("case " + i, expected[i][c], scores[c], 0.15f);
          sum += Math.abs(expected[i][c] - scores[c]);
        }
      }
    }
    assertTrue("mean error " + sum / 160, sum / 160 < 5e-3);
  }

  @Test
  public void modelsOfTheDelegateAreRefusedInWordsWithoutIt() throws Exception {
    String[][] cases = {{"tiny_fused.tflite", "XnCapsOdr"}, {"binary_lce.tflite", "LceBconv2d"}};
    for (String[] row : cases) {
      ModelException error =
          assertThrows(
              ModelException.class, () -> Classifier.open(TestModels.loaded(row[0]), 1, false));
      assertEquals(ModelException.Kind.NEEDS_DELEGATE, error.kind);
      assertTrue(error.getMessage(), error.getMessage().contains(row[1]));
      assertEquals(R.string.model_delegate, Explanations.of(error).what());
    }
  }

  @Test
  public void compositeIsRefusedByNameWithAndWithoutDelegate() throws Exception {
    for (boolean delegate : new boolean[] {true, false}) {
      ModelException error =
          assertThrows(
              ModelException.class,
              () -> Classifier.open(TestModels.loaded("composite.tflite"), 1, delegate));
      assertEquals(ModelException.Kind.UNKNOWN_OP, error.kind);
      assertTrue(error.getMessage(), error.getMessage().endsWith("got [STABLEHLO_COMPOSITE]"));
      assertEquals(R.string.model_op, Explanations.of(error).what());
    }
  }

  @Test
  public void unknownOpIsNamed() throws Exception {
    ModelException error =
        assertThrows(
            ModelException.class,
            () -> Classifier.open(TestModels.loaded("x", TestModels.withUnknownOp()), 1, true));
    assertEquals(ModelException.Kind.UNKNOWN_OP, error.kind);
    assertTrue(error.getMessage(), error.getMessage().contains("XnCapsOdX"));
  }

  @Test
  public void whatIsNoModelIsRefused() throws Exception {
    byte[] good = TestModels.bytes("tiny_fused.tflite");
    byte[][] bad = {
      {}, "not a model at all, just text".getBytes("UTF-8"), Arrays.copyOf(good, 20),
      Arrays.copyOf(good, 60), Arrays.copyOf(good, good.length / 3)
    };
    for (byte[] content : bad) {
      ModelException error =
          assertThrows(
              ModelException.class,
              () -> Classifier.open(TestModels.loaded("bad.tflite", content), 1, true));
      assertTrue(error.getMessage(), error.getMessage().contains("bad.tflite"));
      assertEquals(R.string.model_broken, Explanations.of(error).what());
    }
  }

  @Test
  public void damagedHeadersNeverCrash() throws Exception {
    // TFLite's own verifier guards what passes our reader; both end in a ModelException.
    byte[] good = TestModels.bytes("tiny_fused.tflite");
    Random random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 200; i++) {
      byte[] bad = good.clone();
      for (int k = 0; k < 4; k++) {
        bad[random.nextInt(512)] = (byte) random.nextInt(256);
      }
      try {
        org.xncaps.core.ModelReader.read(TestModels.loaded("bad", bad).bytes, "bad");
      } catch (ModelException e) {
        refused++;
      }
    }
    assertTrue("refused " + refused, refused > 20);
  }

  @Test
  public void opensAndClosesAThousandTimes() throws Exception {
    ModelStore.Loaded file = TestModels.loaded("tiny_fused.tflite");
    float[] first = TestModels.rows("digits.inputs.f32", TestModels.PIXELS)[0];
    long before = 0;
    for (int i = 0; i < 1000; i++) {
      if (i == 200) {
        before = Memory.outsideHeapKilobytes();
      }
      try (Classifier classifier = Classifier.open(file, 1 + i % 2, true)) {
        classifier.run(TestModels.input(first));
      }
    }
    long grown = Memory.outsideHeapKilobytes() - before;
    assertTrue("memory grew by " + grown + " KB in 800 openings", grown < 100_000);
  }
}
