package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.app.AlertDialog;
import android.view.View;
import android.widget.Switch;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.Shadows;
import org.xncaps.core.ModelReader;
import org.xncaps.demo.R;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;

/** Models of every kind on the camera screen: what runs, and words for what cannot. */
@RunWith(RobolectricTestRunner.class)
public final class ModelsOnScreenTest {
  @Rule public final CameraScreen screen = new CameraScreen();

  /** The panel's spoken words say the class and the score that Python's runtime gave. */
  private void assertSays(String golden, int row) throws Exception {
    float[] expected = TestModels.rows(golden + ".outputs.f32", TestModels.CLASSES)[row];
    int best = TestModels.best(expected);
    String spoken = screen.panel(0).bars().spoken();
    assertTrue(spoken, spoken.startsWith(String.format("%d, score %.2f", best, expected[best])));
  }

  private void setDelegate(boolean on) {
    AlertDialog dialog = screen.dialog(R.id.settings);
    Switch delegate = dialog.findViewById(R.id.delegate);
    assertEquals(!on, delegate.isChecked());
    delegate.setChecked(on);
    screen.press(dialog);
  }

  @Test
  public void twoModelsOnTheSameFramesAreToldApartByTheirFiles() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("binary_lce.tflite"));
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[3]);
    Screens.await("the second", () -> screen.panel(1).times().length() > 0);
    assertEquals(View.VISIBLE, screen.panel(1).getVisibility());
    assertSays("tiny_fused", 3);
    String second = screen.panel(1).bars().spoken();
    float[] expected = TestModels.rows("binary_lce.outputs.f32", TestModels.CLASSES)[3];
    assertTrue(second, second.startsWith(TestModels.best(expected) + ", score "));
    for (int i = 0; i < 2; i++) {
      String file = i == 0 ? "first.tflite" : "second.tflite";
      String runtime = screen.panel(i).runtime().toString();
      assertTrue(runtime, runtime.contains(file) && runtime.contains("2.16.1 + xncaps"));
    }
    assertTrue(screen.status(), screen.status().contains("frames/s"));
    Screens.save(activity, "two-models", screen.digits[3]);
  }

  @Test
  public void compositeIsExplainedAndAnotherModelCanBeChosen() throws Exception {
    screen.use(TestModels.bytes("composite.tflite"), null);
    CameraActivity activity = screen.start();
    screen.awaitProblem("got [STABLEHLO_COMPOSITE]");
    String words =
        activity.getString(R.string.model_op) + "\n" + activity.getString(R.string.model_op_advice);
    assertTrue(screen.problem(), screen.problem().startsWith(words));
    assertEquals(View.GONE, screen.panel(0).getVisibility());
    Screens.save(activity, "composite");
    screen.camera.last().send(screen.digits[1], 1); // frames still come, and hurt nothing
    AlertDialog dialog = screen.dialog(R.id.models);
    assertEquals(
        "First model: digits.tflite", dialog.getListView().getAdapter().getItem(0).toString());
    Shadows.shadowOf(dialog.getListView()).performItemClick(0);
    screen.awaitResult(screen.digits[1]);
    assertEquals("", screen.problem());
    assertTrue(screen.runtime(), screen.runtime().contains("digits.tflite"));
  }

  @Test
  public void compositeInTheSecondPlaceLeavesTheFirstRunning() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("composite.tflite"));
    screen.start();
    screen.awaitProblem("[STABLEHLO_COMPOSITE]");
    screen.awaitResult(screen.digits[2]);
    assertSays("tiny_fused", 2);
    assertTrue(screen.problem().contains("[STABLEHLO_COMPOSITE]"));
    assertEquals(View.GONE, screen.panel(1).getVisibility());
  }

  @Test
  public void binaryModelRunsByTheDelegateAndIsExplainedWithoutIt() throws Exception {
    screen.use(TestModels.bytes("binary_lce.tflite"), null);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    assertSays("binary_lce", 0);
    assertTrue(screen.runtime(), screen.runtime().contains("TensorFlow Lite 2.16.1 + xncaps"));
    setDelegate(false);
    screen.awaitProblem("expected the xncaps delegate for [Lce");
    assertTrue(screen.problem(), screen.problem().contains("LceBconv2d"));
    assertTrue(screen.problem().startsWith(activity.getString(R.string.model_delegate)));
    setDelegate(true);
    screen.awaitResult(screen.digits[0]);
    assertEquals("", screen.problem());
    assertSays("binary_lce", 0);
  }

  @Test
  public void unknownOpAndMissingDelegateAreExplained() throws Exception {
    screen.use(TestModels.withUnknownOp(), null);
    screen.start();
    screen.awaitProblem("XnCapsOdX");
    screen.use(TestModels.bytes("tiny_fused.tflite"), null);
    screen.activity.onSettings(Settings.load(screen.application));
    setDelegate(false);
    screen.awaitProblem("Switch the delegate on");
    setDelegate(true);
    screen.awaitResult(screen.digits[2]);
    assertSays("tiny_fused", 2);
  }

  @Test
  public void delegateIsNamedOnlyWhereItRuns() throws Exception {
    screen.use(TestModels.bytes("tiny_float.tflite"), null);
    screen.start();
    screen.awaitResult(screen.digits[4]);
    assertTrue(screen.runtime(), screen.runtime().startsWith("TensorFlow Lite 2.16.1\n"));
    assertSays("tiny_float", 4);
    setDelegate(false);
    screen.awaitResult(screen.digits[4]);
    assertTrue(screen.runtime(), screen.runtime().startsWith("TensorFlow Lite 2.16.1\n"));
    assertSays("tiny_float", 4);
  }

  @Test
  public void delegateThatCannotBeHadIsNamedWithTheReason() throws Exception {
    screen.use(TestModels.bytes("tiny_float.tflite"), null);
    screen.start();
    screen.awaitResult(screen.digits[0]);
    ModelStore.Loaded file = TestModels.loaded("tiny_float.tflite");
    screen.panel(0).showModel(
        ModelReader.read(file.bytes, file.name), "TensorFlow Lite 2.16.1", "no library for riscv");
    assertTrue(
        screen.runtime(), screen.runtime().endsWith("\nDelegate not used: no library for riscv"));
  }

  @Test
  public void fileWithoutMetadataWorksAndSaysWhatItLacks() throws Exception {
    byte[] plain =
        TestModels.replaced(
            TestModels.bytes("tiny_fused.tflite"), "TFLITE_METADATA", "XFLITE_METADATA");
    screen.use(plain, null);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    assertTrue(
        screen.runtime(), screen.runtime().endsWith(activity.getString(R.string.no_metadata)));
    assertTrue(screen.runtime().contains("first.tflite · 8 × 8, grey\n"));
    assertTrue(screen.panel(0).bars().spoken().startsWith("class "));
    assertEquals("first.tflite", screen.panel(0).title().toString());
  }

  @Test
  public void brokenModelSaysSoAndAnotherCanBeChosen() throws Exception {
    screen.use("no model".getBytes("UTF-8"), null);
    CameraActivity activity = screen.start();
    screen.awaitProblem("no model, or it is damaged");
    Screens.save(activity, "broken-model");
    activity.onModel(false, ModelStore.ASSET + "digits.tflite");
    screen.awaitResult(screen.digits[1]);
    assertEquals("", screen.problem());
  }

  @Test
  public void goneFileIsExplained() throws Exception {
    new Settings(1, true, 3, 0, false, "content://gone/model", "").save(screen.application);
    screen.start();
    screen.awaitProblem("cannot be opened");
    assertFalse(screen.activity.isFinishing());
  }
}
