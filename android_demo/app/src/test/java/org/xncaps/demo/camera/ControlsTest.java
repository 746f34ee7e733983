package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.Intent;
import android.widget.ListView;
import android.widget.Spinner;
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
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.TestModels;

/** Every choice of the camera screen and what it changes; the shared result; battery and heat. */
@RunWith(RobolectricTestRunner.class)
public final class ControlsTest {
  @Rule public final CameraScreen screen = new CameraScreen();

  private void choose(int threads, int results, int threshold, boolean delegate) {
    AlertDialog dialog = screen.dialog(R.id.settings);
    select(dialog, R.id.threads, threads);
    select(dialog, R.id.results_count, results);
    select(dialog, R.id.threshold, threshold);
    ((Switch) dialog.findViewById(R.id.delegate)).setChecked(delegate);
    screen.press(dialog);
  }

  private static void select(AlertDialog dialog, int id, int value) {
    Spinner spinner = dialog.findViewById(id);
    for (int i = 0; i < spinner.getCount(); i++) {
      if (spinner.getItemAtPosition(i).equals(value)) {
        spinner.setSelection(i);
        return;
      }
    }
    throw new AssertionError("expected " + value + " among the choices");
  }

  private int bars() {
    String spoken = screen.panel(0).bars().spoken();
    return spoken.isEmpty() ? 0 : spoken.split("; ").length;
  }

  @Test
  public void everySettingIsKeptAndSeen() throws Exception {
    screen.use(TestModels.bytes("tiny_float.tflite"), null);
    screen.start();
    screen.awaitResult(screen.digits[0]);
    assertTrue(screen.runtime(), screen.runtime().startsWith("TensorFlow Lite 2.16.1\n"));
    for (int threads = 1; threads <= 4; threads++) {
      choose(threads, 1 + threads, 0, threads % 2 == 0);
      screen.awaitResult(screen.digits[0]);
      assertEquals(1 + threads, bars());
      Settings kept = Settings.load(screen.application);
      assertEquals(threads, kept.threads);
      assertEquals(1 + threads, kept.results);
      assertEquals(threads % 2 == 0, kept.delegate);
    }
    choose(2, 10, 50, true);
    screen.awaitResult(screen.digits[0]);
    assertEquals("above one half", 1, bars());
    assertEquals(50, Settings.load(screen.application).thresholdPercent);
    choose(2, 10, 90, true);
    screen.awaitResult(new float[TestModels.PIXELS]); // an empty page
    assertEquals(0, bars());
    String times = screen.panel(0).times().toString();
    assertTrue(times, times.startsWith("Nothing above the threshold of 90 %\n"));
    String spoken = screen.panel(0).bars().getContentDescription().toString();
    assertTrue(spoken, spoken.endsWith("Nothing above the threshold of 90 %"));
  }

  @Test
  public void cancelledSettingsChangeNothing() {
    screen.start();
    AlertDialog dialog = screen.dialog(R.id.settings);
    assertEquals(4, ((Spinner) dialog.findViewById(R.id.threads)).getCount());
    select(dialog, R.id.threads, 4);
    dialog.getButton(AlertDialog.BUTTON_NEGATIVE).performClick();
    assertEquals(2, Settings.load(screen.application).threads);
  }

  @Test
  public void turningTheScreenTakesAnOpenDialogAlong() throws Exception {
    screen.start();
    for (int control : new int[] {R.id.settings, R.id.models}) {
      AlertDialog dialog = screen.dialog(control);
      assertTrue(dialog.isShowing());
      screen.recreate();
      assertFalse(dialog.isShowing());
      screen.awaitResult(screen.digits[0]);
    }
  }

  @Test
  public void modelsComeFromTheAssetsAndFromStorage() throws Exception {
    screen.start();
    ListView list = screen.dialog(R.id.models).getListView();
    String[] titles = {
      "First model: digits.tflite", "Open a file as first model…",
      "Second model, on the same frames: digits.tflite", "Second model, on the same frames: None",
      "Open a file as second model…"
    };
    assertEquals(titles.length, list.getCount());
    for (int i = 0; i < titles.length; i++) {
      assertEquals(titles[i], list.getItemAtPosition(i).toString());
    }
    Shadows.shadowOf(list).performItemClick(1);
    java.io.File first = pick("picked.tflite", "tiny_float.tflite");
    screen.awaitResult(screen.digits[0]);
    assertTrue(screen.runtime(), screen.runtime().contains("picked.tflite"));
    assertEquals(TestModels.uri(first), Settings.load(screen.application).model);
    list = screen.dialog(R.id.models).getListView();
    assertEquals("First model: picked.tflite", list.getItemAtPosition(1).toString());
    Shadows.shadowOf(list).performItemClick(list.getCount() - 1);
    java.io.File second = pick("other.tflite", "tiny_fused.tflite");
    screen.awaitResult(screen.digits[0]);
    assertEquals(TestModels.uri(second), Settings.load(screen.application).second);
    assertEquals(android.view.View.VISIBLE, screen.panel(1).getVisibility());
  }

  /** What the user does in the system's own screen for files. */
  private java.io.File pick(String name, String golden) throws Exception {
    Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
    Intent open = Shadows.shadowOf(screen.activity).getNextStartedActivity();
    assertEquals(Intent.ACTION_OPEN_DOCUMENT, open.getAction());
    java.io.File picked = TestModels.file(name, TestModels.bytes(golden));
    Shadows.shadowOf(screen.activity)
        .receiveResult(
            open, Activity.RESULT_OK, new Intent().setData(android.net.Uri.fromFile(picked)));
    return picked;
  }

  @Test
  public void sharesWordsForPeopleAndJsonForPrograms() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("tiny_float.tflite"));
    CameraActivity activity = screen.start();
    activity.findViewById(R.id.share).performClick();
    assertEquals(activity.getString(R.string.nothing_to_share), ShadowToast.getTextOfLatestToast());
    screen.awaitResult(screen.digits[0]);
    activity.findViewById(R.id.share).performClick();
    Intent chooser = Shadows.shadowOf(activity).getNextStartedActivity();
    assertEquals(Intent.ACTION_CHOOSER, chooser.getAction());
    Intent send = chooser.getParcelableExtra(Intent.EXTRA_INTENT);
    assertEquals("text/plain", send.getType());
    String text = send.getStringExtra(Intent.EXTRA_TEXT);
    float[] expected = TestModels.rows("tiny_fused.outputs.f32", TestModels.CLASSES)[0];
    int best = TestModels.best(expected);
    assertTrue(text, text.startsWith("tiny_digits (TensorFlow Lite 2.16.1 + xncaps "));
    Map<String, Object> shared =
        Json.object(Json.parse(text.substring(text.indexOf("\n{") + 1).trim()), "shared");
    assertTrue(shared.get("device").toString().endsWith("Android 14"));
    List<?> results = (List<?>) shared.get("results");
    assertEquals(2, results.size());
    for (int i = 0; i < 2; i++) {
      Map<String, Object> result = Json.object(results.get(i), "result");
      assertEquals("tiny_digits", result.get("model"));
      assertEquals(i == 0 ? "first.tflite" : "second.tflite", result.get("file"));
      assertTrue(result.get("runtime").toString().startsWith("TensorFlow Lite 2.16.1"));
      Map<String, Object> top = Json.object(((List<?>) result.get("top")).get(0), "top");
      assertEquals((long) best, top.get("class"));
      assertEquals(String.valueOf(best), top.get("label"));
      double score = ((Number) top.get("score")).doubleValue();
      assertEquals("but for the frame's whole grey levels", expected[best], score, 1e-3);
      String line = String.format(java.util.Locale.ROOT, "\n  %d  %.3f\n", best, score);
      assertTrue(text, text.contains(line));
      assertTrue(((Number) result.get("inference_ms")).doubleValue() > 0);
      assertTrue(((Number) result.get("preprocess_ms")).doubleValue() > 0);
    }
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
