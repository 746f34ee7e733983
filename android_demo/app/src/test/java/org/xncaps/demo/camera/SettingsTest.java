package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import android.app.AlertDialog;
import android.content.Intent;
import android.widget.SeekBar;
import android.widget.Switch;
import java.util.List;
import java.util.Map;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.Shadows;
import org.robolectric.shadows.ShadowToast;
import org.xncaps.core.Json;
import org.xncaps.demo.R;
import org.xncaps.demo.measure.DeviceStatus;
import org.xncaps.demo.models.Pipeline;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.TestModels;

/** Settings act while their dialog is open; the shared result; battery and heat. */
@RunWith(RobolectricTestRunner.class)
public final class SettingsTest {
  @Rule public final CameraScreen screen = new CameraScreen();

  private int bars() {
    return screen.sheet().bars().spoken().split("; ").length;
  }

  @Test
  public void barsAndThresholdActAtOnceAndRestartNothing() throws Exception {
    screen.use(TestModels.bytes("tiny_float.tflite"), null);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    Pipeline before = activity.pipeline();
    AlertDialog dialog = screen.dialog(R.id.settings);
    SeekBar results = dialog.findViewById(R.id.results_count);
    for (int count = 1; count <= 10; count++) {
      results.setProgress(count - 1);
      assertEquals(count, bars());
      assertEquals(count, Settings.load(screen.application).results);
    }
    SeekBar threshold = dialog.findViewById(R.id.threshold);
    threshold.setProgress(19);
    assertEquals("Not sure", screen.text(R.id.best));
    assertEquals(95, Settings.load(screen.application).thresholdPercent);
    threshold.setProgress(0);
    assertTrue(screen.text(R.id.best).matches("\\d"));
    assertSame("the runtime goes on", before, activity.pipeline());
    assertEquals("so does the camera", 1, screen.camera.made.size());
    screen.press(dialog);
    assertFalse(dialog.isShowing());
  }

  @Test
  public void threadsAndDelegateChangeTheRuntimeAndNeverTheCamera() throws Exception {
    screen.use(TestModels.bytes("tiny_float.tflite"), null);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    AlertDialog dialog = screen.dialog(R.id.settings);
    SeekBar threads = dialog.findViewById(R.id.threads);
    for (int count = 2; count <= 4; count++) {
      Pipeline before = activity.pipeline();
      threads.setProgress(count - 1);
      assertNotSame(before, activity.pipeline());
      screen.awaitResult(screen.digits[0]);
      assertEquals(count, Settings.load(screen.application).threads);
    }
    Pipeline before = activity.pipeline();
    dialog.<Switch>findViewById(R.id.delegate).setChecked(false);
    assertNotSame(before, activity.pipeline());
    screen.awaitResult(screen.digits[0]);
    assertFalse(Settings.load(screen.application).delegate);
    assertEquals(1, screen.camera.made.size());
  }

  @Test
  public void turningTheScreenTakesAnOpenDialogAlong() throws Exception {
    screen.start();
    AlertDialog dialog = screen.dialog(R.id.settings);
    assertTrue(dialog.isShowing());
    screen.recreate();
    assertFalse(dialog.isShowing());
    screen.awaitResult(screen.digits[0]);
  }

  @Test
  public void sharesWordsForPeopleAndJsonForPrograms() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), null);
    CameraActivity activity = screen.start();
    activity.onMenu(R.string.share);
    assertEquals(activity.getString(R.string.nothing_to_share), ShadowToast.getTextOfLatestToast());
    screen.awaitResult(screen.digits[0]);
    activity.onMenu(R.string.share);
    Intent chooser = Shadows.shadowOf(activity).getNextStartedActivity();
    assertEquals(Intent.ACTION_CHOOSER, chooser.getAction());
    Intent send = chooser.getParcelableExtra(Intent.EXTRA_INTENT);
    assertEquals("text/plain", send.getType());
    String text = send.getStringExtra(Intent.EXTRA_TEXT);
    float[] expected = TestModels.rows("tiny_fused.outputs.f32", TestModels.CLASSES)[0];
    assertTrue(text, text.startsWith("tiny_digits (TensorFlow Lite 2.16.1 + xncaps "));
    Map<String, Object> shared =
        Json.object(Json.parse(text.substring(text.indexOf("\n{") + 1).trim()), "shared");
    assertTrue(shared.get("device").toString().endsWith("Android 14"));
    Map<String, Object> result = Json.object(((List<?>) shared.get("results")).get(0), "result");
    assertEquals("tiny_digits", result.get("model"));
    assertEquals("first.tflite", result.get("file"));
    Map<String, Object> top = Json.object(((List<?>) result.get("top")).get(0), "top");
    int best = TestModels.best(expected);
    assertEquals((long) best, top.get("class"));
    double share = ((Number) top.get("score")).doubleValue();
    assertEquals(TestModels.percent(expected), 100 * share, 0.6);
    assertTrue(text, text.contains(String.format(java.util.Locale.ROOT, "\n  %d  %.3f", best, share)));
    assertTrue(((Number) result.get("inference_ms")).doubleValue() > 0);
    assertTrue(((Number) result.get("preprocess_ms")).doubleValue() > 0);
  }

  @Test
  public void batteryAndHeatAreTold() {
    CameraActivity activity = screen.start();
    String[] words = activity.getResources().getStringArray(R.array.thermal);
    for (int status = 0; status < words.length; status++) {
      screen.setHeat(status);
      String told = screen.status();
      assertTrue(told, told.endsWith("Battery 31.5 °C · heat: " + words[status]));
      assertEquals(words[status], DeviceStatus.read(activity).thermal);
    }
    assertEquals(android.os.PowerManager.THERMAL_STATUS_SHUTDOWN, words.length - 1);
    screen.setBattery(new Intent());
    assertTrue(screen.status(), screen.status().contains("Battery unknown"));
  }
}
