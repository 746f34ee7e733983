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
import org.xncaps.demo.R;
import org.xncaps.demo.models.MissingRuntime;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;

/** Models of every kind on the camera screen: what runs, and words for what cannot. */
@RunWith(RobolectricTestRunner.class)
public final class ModelsOnScreenTest {
  @Rule public final CameraScreen screen = new CameraScreen();
  @Rule public final MissingRuntime runtime = new MissingRuntime();

  /** The panel's spoken words say the class and the score that Python's runtime gave. */
  private void assertSays(String golden, int row) throws Exception {
    float[] expected = TestModels.rows(golden + ".outputs.f32", TestModels.CLASSES)[row];
    int best = TestModels.best(expected);
    assertEquals(String.valueOf(best), screen.sheet().shown().top.get(0).label);
    assertEquals(TestModels.percent(expected) + " %", screen.text(R.id.best_share));
  }

  /** As the switch of the settings does. */
  private void setDelegate(boolean on) {
    AlertDialog dialog = screen.dialog(R.id.settings);
    Switch delegate = dialog.findViewById(R.id.delegate);
    assertEquals(!on, delegate.isChecked());
    delegate.setChecked(on);
    screen.press(dialog);
  }

  private void choose(String reference) {
    screen.activity.change(screen.activity.settings.withModel(reference));
  }

  @Test
  public void compositeIsExplainedAndAnotherModelCanBeChosen() throws Exception {
    screen.use(TestModels.bytes("composite.tflite"), null);
    CameraActivity activity = screen.start();
    screen.awaitProblem("got [STABLEHLO_COMPOSITE]");
    String words =
        activity.getString(R.string.model_op) + "\n" + activity.getString(R.string.model_op_advice);
    assertTrue(screen.problem(), screen.problem().startsWith(words));
    screen.camera.last().send(screen.digits[1], 1); // frames still come, and hurt nothing
    choose(ModelStore.ASSET + "digits.tflite");
    screen.awaitResult(screen.digits[1]);
    assertEquals("", screen.problem());
    assertTrue(screen.text(R.id.runtime).contains("digits.tflite"));
    assertEquals("the camera goes on", 1, screen.camera.made.size());
  }

  @Test
  public void binaryModelRunsByTheDelegateAndIsExplainedWithoutIt() throws Exception {
    screen.use(TestModels.bytes("binary_lce.tflite"), null);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    assertSays("binary_lce", 0);
    assertTrue(screen.text(R.id.runtime), screen.text(R.id.runtime).contains("TensorFlow Lite 2.16.1 + xncaps"));
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
    TestModels.added("other.tflite", TestModels.bytes("tiny_fused.tflite"));
    choose(ModelStore.PICKED + "other.tflite");
    screen.awaitResult(screen.digits[2]);
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
    assertTrue(screen.text(R.id.runtime), screen.text(R.id.runtime).startsWith("TensorFlow Lite 2.16.1\n"));
    assertSays("tiny_float", 4);
    setDelegate(false);
    screen.awaitResult(screen.digits[4]);
    assertTrue(screen.text(R.id.runtime), screen.text(R.id.runtime).startsWith("TensorFlow Lite 2.16.1\n"));
    assertSays("tiny_float", 4);
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
        screen.text(R.id.runtime), screen.text(R.id.runtime).endsWith(activity.getString(R.string.no_metadata)));
    assertTrue(screen.text(R.id.runtime).contains("first.tflite · 8 × 8, grey\n"));
    assertTrue(screen.sheet().bars().spoken().startsWith("class "));
    assertEquals("first.tflite", screen.text(R.id.model_name));
  }

  @Test
  public void brokenModelSaysSoAndAnotherCanBeChosen() throws Exception {
    screen.use("no model".getBytes("UTF-8"), null);
    CameraActivity activity = screen.start();
    screen.awaitProblem("no model, or it is damaged");
    choose(ModelStore.ASSET + "digits.tflite");
    screen.awaitResult(screen.digits[1]);
    assertEquals("", screen.problem());
  }

  @Test
  public void aDeviceWithoutARuntimeIsToldWhichApkItNeeds() throws Exception {
    runtime.takeAway();
    screen.start();
    screen.awaitProblem("no TensorFlow Lite for this device");
    assertTrue(screen.problem(), screen.problem().contains("built for this device's processor"));
    screen.camera.last().send(screen.digits[0], 1); // frames hurt nothing
    assertEquals(1, screen.camera.open());
  }

  @Test
  public void goneFileIsExplained() throws Exception {
    Settings.load(screen.application).withModel("picked:gone.tflite").save(screen.application);
    screen.start();
    screen.awaitProblem("cannot be opened");
    assertFalse(screen.activity.isFinishing());
  }
}
