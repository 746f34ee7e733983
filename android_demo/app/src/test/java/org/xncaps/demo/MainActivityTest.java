package org.xncaps.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.Manifest;
import android.app.Application;
import android.content.Context;
import android.content.Intent;
import android.os.BatteryManager;
import android.os.Looper;
import android.os.PowerManager;
import android.view.View;
import android.widget.TextView;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.shadows.ShadowToast;
import org.xncaps.core.Json;

/** The camera screen with a fake camera, and real models behind it. */
@RunWith(RobolectricTestRunner.class)
public final class MainActivityTest {
  private Application application;
  private FakeFrames camera;
  private ActivityController<MainActivity> controller;
  private float[][] digits;

  @Before
  public void setUp() throws Exception {
    application = RuntimeEnvironment.getApplication();
    camera = FakeFrames.install(application);
    digits = TestModels.rows("digits.inputs.f32", TestModels.PIXELS);
    Shadows.shadowOf(application).grantPermissions(Manifest.permission.CAMERA);
    application.sendStickyBroadcast(
        new Intent(Intent.ACTION_BATTERY_CHANGED)
            .putExtra(BatteryManager.EXTRA_TEMPERATURE, 315)
            .putExtra(BatteryManager.EXTRA_LEVEL, 80));
    PowerManager power = (PowerManager) application.getSystemService(Context.POWER_SERVICE);
    Shadows.shadowOf(power).setCurrentThermalStatus(PowerManager.THERMAL_STATUS_MODERATE);
  }

  @After
  public void tearDown() {
    if (controller != null) {
      controller.close();
    }
  }

  private MainActivity start() {
    controller = Robolectric.buildActivity(MainActivity.class).setup();
    return controller.get();
  }

  private void use(byte[] first, byte[] second) throws Exception {
    String one = first == null ? "" : TestModels.uri(TestModels.file("first.tflite", first));
    String two = second == null ? "" : TestModels.uri(TestModels.file("second.tflite", second));
    new Settings(2, true, 3, 0, false, one, two).save(application);
  }

  private static String problem(MainActivity activity) {
    View box = activity.findViewById(R.id.problem);
    TextView text = activity.findViewById(R.id.problem_text);
    return box.getVisibility() == View.VISIBLE ? text.getText().toString() : "";
  }

  private void awaitResult(MainActivity activity, float[] digit) throws Exception {
    Screens.await("the model", () -> activity.screen().panel(0).runtime().length() > 0);
    Screens.await(
        "a result",
        () -> {
          camera.last().send(digit, 1); // as large as the input: the very pixels go in
          String times = activity.screen().panel(0).times().toString();
          return times.contains("(median of ") && !times.contains("(median of 1)");
        });
  }

  @Test
  public void framesBecomeBarsWithTheRightClass() throws Exception {
    use(TestModels.bytes("tiny_fused.tflite"), null);
    float[][] expected = TestModels.rows("tiny_fused.outputs.f32", TestModels.CLASSES);
    MainActivity activity = start();
    awaitResult(activity, digits[0]);
    int best = 0;
    for (int c = 1; c < TestModels.CLASSES; c++) {
      best = expected[0][c] > expected[0][best] ? c : best;
    }
    String spoken = activity.screen().panel(0).bars().getContentDescription().toString();
    assertTrue(spoken, spoken.contains(": " + best + String.format(", score %.2f", expected[0][best])));
    String runtime = activity.screen().panel(0).runtime().toString();
    assertTrue(runtime, runtime.contains("TensorFlow Lite 2.16.1 + xncaps"));
    String times = activity.screen().panel(0).times().toString();
    assertTrue(times, times.matches("(?s)Preprocessing .* ms, p90 .*Inference .* \\(median of .*"));
    TextView status = activity.findViewById(R.id.status);
    String state = status.getText().toString();
    assertTrue(state, state.endsWith("frames/s · Battery 31.5 °C · heat: moderate"));
    assertTrue(Screens.colors(Screens.save(activity, "camera", digits[0])) > 20);
  }

  @Test
  public void newestFrameOnlyWhileOneIsClassified() throws Exception {
    use(TestModels.bytes("tiny_fused.tflite"), null);
    MainActivity activity = start();
    awaitResult(activity, digits[0]);
    Pipeline pipeline = activity.pipeline();
    for (int i = 0; i < 300; i++) {
      pipeline.offer(FakeFrames.frame(digits[i % 16], 40), 90);
    }
    assertTrue("dropped " + pipeline.gate().dropped(), pipeline.gate().dropped() > 0);
    long accepted = pipeline.gate().accepted();
    Screens.await(
        "the gate to open",
        () -> {
          pipeline.offer(FakeFrames.frame(digits[0], 10), 0);
          return pipeline.gate().accepted() > accepted;
        });
  }

  @Test
  public void twoModelsOnTheSameFrames() throws Exception {
    use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("tiny_float.tflite"));
    MainActivity activity = start();
    awaitResult(activity, digits[3]);
    String first = activity.screen().panel(0).bars().spoken();
    Screens.await("the second", () -> activity.screen().panel(1).times().length() > 0);
    assertEquals(View.VISIBLE, activity.screen().panel(1).getVisibility());
    assertEquals(first, activity.screen().panel(1).bars().spoken());
    Screens.save(activity, "two-models", digits[3]);
  }

  @Test
  @Config(qualifiers = "+night")
  public void darkTheme() throws Exception {
    MainActivity activity = start();
    awaitResult(activity, digits[5]);
    assertEquals(0xFF121514, activity.getColor(R.color.ground));
    int corner = Screens.save(activity, "dark", digits[5]).getPixel(2, 800);
    assertTrue(Integer.toHexString(corner), (corner & 0xFF) < 0x40);
  }

  @Test
  @Config(qualifiers = "+land")
  public void landscapeHasPreviewBesideResults() throws Exception {
    MainActivity activity = start();
    awaitResult(activity, digits[6]);
    View preview = activity.findViewById(R.id.preview);
    assertTrue(preview.getHeight() > 0.8 * activity.getWindow().getDecorView().getHeight());
    Screens.save(activity, "landscape", digits[6]);
  }

  @Test
  public void refusedPermissionSaysWhatToDoAndTheRestWorks() throws Exception {
    Shadows.shadowOf(application).denyPermissions(Manifest.permission.CAMERA);
    MainActivity activity = start();
    assertEquals(
        Manifest.permission.CAMERA,
        Shadows.shadowOf(activity).getLastRequestedPermission().requestedPermissions[0]);
    activity.onRequestPermissionsResult(
        1, new String[] {Manifest.permission.CAMERA}, new int[] {-1});
    assertTrue(problem(activity), problem(activity).contains("not allowed"));
    assertEquals(0, camera.made.size());
    Screens.save(activity, "refused");
    activity.findViewById(R.id.picture).performClick();
    assertEquals(
        PictureActivity.class.getName(),
        Shadows.shadowOf(activity).getNextStartedActivity().getComponent().getClassName());
    activity.findViewById(R.id.problem_action).performClick();
    assertEquals(
        android.provider.Settings.ACTION_APPLICATION_DETAILS_SETTINGS,
        Shadows.shadowOf(activity).getNextStartedActivity().getAction());
    Shadows.shadowOf(application).grantPermissions(Manifest.permission.CAMERA);
    controller.pause().resume();
    assertEquals(1, camera.open());
    assertEquals("", problem(activity));
  }

  @Test
  public void noCameraSaysSo() throws Exception {
    camera.none = true;
    MainActivity activity = start();
    Screens.await("words", () -> problem(activity).contains("no camera"));
  }

  @Test
  public void cameraThatStopsCanBeTriedAgain() throws Exception {
    MainActivity activity = start();
    camera.last().listener.onProblem(
        new Problem(R.string.camera_failed, R.string.camera_failed_advice, "camera error 3"));
    Screens.await("words", () -> problem(activity).contains("camera error 3"));
    activity.findViewById(R.id.problem_action).performClick();
    assertEquals(2, camera.made.size());
    assertEquals(1, camera.open());
    assertEquals("", problem(activity));
  }

  @Test
  public void brokenModelSaysSoAndAnotherCanBeChosen() throws Exception {
    use("no model".getBytes("UTF-8"), null);
    MainActivity activity = start();
    Screens.await("words", () -> problem(activity).contains("no model, or it is damaged"));
    Screens.save(activity, "broken-model");
    activity.onModel(false, ModelStore.ASSET + "digits.tflite");
    awaitResult(activity, digits[1]);
    assertEquals("", problem(activity));
  }

  @Test
  public void unknownOpAndMissingDelegateAreExplained() throws Exception {
    use(TestModels.withUnknownOp(), null);
    MainActivity activity = start();
    Screens.await("words", () -> problem(activity).contains("XnCapsOdX"));
    String uri = TestModels.uri(TestModels.file("f.tflite", TestModels.bytes("tiny_fused.tflite")));
    activity.onSettings(new Settings(1, false, 3, 0, false, uri, ""));
    Screens.await("words", () -> problem(activity).contains("Switch the delegate on"));
    activity.onSettings(new Settings(1, true, 3, 0, false, uri, ""));
    awaitResult(activity, digits[2]);
  }

  @Test
  public void goneFileIsExplained() throws Exception {
    new Settings(1, true, 3, 0, false, "content://gone/model", "").save(application);
    MainActivity activity = start();
    Screens.await("words", () -> problem(activity).contains("cannot be opened"));
  }

  @Test
  public void flipChangesTheCameraAndIsRemembered() {
    MainActivity activity = start();
    assertFalse(camera.last().front);
    activity.findViewById(R.id.flip).performClick();
    assertTrue(camera.last().front);
    assertEquals(1, camera.open());
    assertTrue(Settings.load(application).front);
  }

  @Test
  public void sharesTextWithJson() throws Exception {
    MainActivity activity = start();
    activity.findViewById(R.id.share).performClick();
    assertEquals(activity.getString(R.string.nothing_to_share), ShadowToast.getTextOfLatestToast());
    awaitResult(activity, digits[0]);
    activity.findViewById(R.id.share).performClick();
    Intent chooser = Shadows.shadowOf(activity).getNextStartedActivity();
    assertEquals(Intent.ACTION_CHOOSER, chooser.getAction());
    Intent send = chooser.getParcelableExtra(Intent.EXTRA_INTENT);
    String text = send.getStringExtra(Intent.EXTRA_TEXT);
    String json = text.substring(text.indexOf("\n{") + 1).trim();
    assertNotNull(Json.object(Json.parse(json), "shared").get("results"));
    assertTrue(text, text.contains("TensorFlow Lite 2.16.1"));
  }

  @Test
  public void dialogsShowEveryChoice() throws Exception {
    MainActivity activity = start();
    activity.findViewById(R.id.settings).performClick();
    android.app.AlertDialog dialog =
        (android.app.AlertDialog) org.robolectric.shadows.ShadowDialog.getLatestDialog();
    android.widget.Spinner threads = dialog.findViewById(R.id.threads);
    assertEquals(Settings.MOST_THREADS, threads.getCount());
    threads.setSelection(3);
    dialog.getButton(android.content.DialogInterface.BUTTON_POSITIVE).performClick();
    Shadows.shadowOf(Looper.getMainLooper()).idle();
    assertEquals(4, Settings.load(application).threads);
    activity.findViewById(R.id.models).performClick();
    dialog = (android.app.AlertDialog) org.robolectric.shadows.ShadowDialog.getLatestDialog();
    android.widget.ListView list = dialog.getListView();
    assertEquals(5, list.getCount());
    Shadows.shadowOf(list).performItemClick(1);
    Shadows.shadowOf(Looper.getMainLooper()).idle();
    Intent open = Shadows.shadowOf(activity).getNextStartedActivity();
    assertEquals(Intent.ACTION_OPEN_DOCUMENT, open.getAction());
    java.io.File picked = TestModels.file("picked.tflite", TestModels.bytes("tiny_float.tflite"));
    Shadows.shadowOf(activity)
        .receiveResult(
            open, android.app.Activity.RESULT_OK,
            new Intent().setData(android.net.Uri.fromFile(picked)));
    awaitResult(activity, digits[0]);
    assertEquals(TestModels.uri(picked), Settings.load(application).model);
  }

  @Test
  public void everyControlSpeaksAndIsLargeEnough() {
    MainActivity activity = start();
    float density = activity.getResources().getDisplayMetrics().density;
    int[] ids = {R.id.flip, R.id.models, R.id.settings, R.id.picture, R.id.share};
    for (int id : ids) {
      android.widget.Button button = activity.findViewById(id);
      CharSequence spoken = button.getContentDescription();
      assertTrue((spoken == null ? button.getText() : spoken).length() > 3);
      assertTrue(button.getHeight() >= 48 * density);
    }
    assertNotNull(activity.findViewById(R.id.preview).getContentDescription());
    assertNull(activity.findViewById(R.id.status).getContentDescription()); // its text is read
  }
}
