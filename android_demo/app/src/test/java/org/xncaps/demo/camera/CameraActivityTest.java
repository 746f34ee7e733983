package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.Manifest;
import android.view.View;
import java.util.concurrent.CountDownLatch;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.xncaps.core.Picture;
import org.xncaps.demo.R;
import org.xncaps.demo.measure.MeasureActivity;
import org.xncaps.demo.models.Pipeline;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.draw.DrawActivity;
import org.xncaps.demo.picture.PictureActivity;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.FakeFrames;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;
import org.xncaps.demo.ui.AboutActivity;
import org.xncaps.demo.ui.ModelsActivity;

/** The camera screen with a fake camera, and real models behind it. */
@RunWith(RobolectricTestRunner.class)
public final class CameraActivityTest {
  @Rule public final CameraScreen screen = new CameraScreen();

  @Test
  public void framesBecomeAWordWithItsShareAndBars() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), null);
    float[][] expected = TestModels.rows("tiny_fused.outputs.f32", TestModels.CLASSES);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    String best = String.valueOf(TestModels.best(expected[0]));
    String share = TestModels.percent(expected[0]) + " %";
    assertEquals(best, screen.text(R.id.best));
    assertEquals(share, screen.text(R.id.best_share));
    assertTrue(screen.text(R.id.under_best), screen.text(R.id.under_best).endsWith("one-bit head"));
    assertEquals("tiny_digits", screen.text(R.id.model_name));
    assertEquals("10 classes", screen.text(R.id.chip_classes));
    assertTrue(screen.text(R.id.chip_size), screen.text(R.id.chip_size).matches("\\d+ KB"));
    assertEquals("one-bit head", screen.text(R.id.chip_head));
    String spoken = screen.sheet().bars().getContentDescription().toString();
    assertTrue(spoken, spoken.startsWith("tiny_digits says: " + best + ", " + share));
    assertTrue(screen.text(R.id.runtime).contains("TensorFlow Lite 2.16.1 + xncaps"));
    String times = screen.text(R.id.times);
    assertTrue(times, times.matches("(?s)Preprocessing .* ms, p90 .*Inference .* \\(median of .*"));
    Screens.await(
        "a rate of frames",
        () -> {
          screen.camera.last().send(screen.digits[0], 1);
          return !screen.status().startsWith("0.0 ");
        });
    String state = screen.status();
    assertTrue(
        state, state.matches("\\d+\\.\\d frames/s · Battery 31\\.5 °C · heat: moderate"));
  }

  @Test
  public void sheetPeeksAndOpensAndStaysOpenWhenTurned() throws Exception {
    CameraActivity activity = screen.start();
    View details = activity.findViewById(R.id.sheet_details);
    assertEquals(View.GONE, details.getVisibility());
    activity.findViewById(R.id.sheet_head).performClick();
    assertEquals(View.VISIBLE, details.getVisibility());
    screen.recreate();
    assertTrue(screen.sheet().isOpen());
    screen.activity.findViewById(R.id.sheet_head).performClick();
    assertFalse(screen.sheet().isOpen());
  }

  @Test
  public void underTheThresholdItIsNotSure() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), null);
    Settings.load(screen.application).withThreshold(95).save(screen.application);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    assertEquals("Not sure", screen.text(R.id.best));
    assertEquals("", screen.text(R.id.best_share));
    assertTrue(screen.text(R.id.under_best).startsWith("Perhaps "));
    activity.change(activity.settings.withThreshold(0));
    assertTrue("at once", screen.text(R.id.best).matches("\\d"));
  }

  @Test
  public void torchAndZoomReachTheCameraWithoutANewOne() throws Exception {
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    activity.findViewById(R.id.torch).performClick();
    assertTrue(screen.camera.last().torch);
    activity.setZoom(3);
    assertEquals(3, screen.camera.last().zoom, 0);
    activity.setZoom(50);
    assertEquals("as far as it zooms", 4, screen.camera.last().zoom, 0);
    assertEquals(1, screen.camera.made.size());
  }

  @Test
  public void aFrozenPictureGetsItsAnswerAndNoFurtherFrameIsTaken() throws Exception {
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    screen.awaitAnswered();
    int count = screen.sheet().shown().count;
    screen.camera.last().send(screen.digits[0], 1); // its answer waits for the main thread
    activity.findViewById(R.id.freeze).performClick();
    assertTrue(screen.camera.last().frozen);
    assertEquals("Go on", activity.findViewById(R.id.freeze).getContentDescription());
    assertEquals(count, screen.sheet().shown().count);
    screen.awaitAnswered();
    assertEquals("the answer to what is frozen", count + 1, screen.sheet().shown().count);
    long accepted = activity.pipeline().gate().accepted();
    screen.camera.last().send(screen.digits[1], 1);
    assertEquals("looked at while frozen", accepted, activity.pipeline().gate().accepted());
    activity.findViewById(R.id.freeze).performClick();
    assertFalse(screen.camera.last().frozen);
    screen.camera.last().send(screen.digits[1], 1);
    assertEquals(accepted + 1, activity.pipeline().gate().accepted());
    assertEquals(1, screen.camera.made.size());
  }

  @Test
  public void anotherCameraIsNeitherFrozenNorLit() throws Exception {
    CameraActivity activity = screen.start();
    activity.findViewById(R.id.torch).performClick();
    activity.findViewById(R.id.freeze).performClick();
    assertTrue(activity.findViewById(R.id.torch).isActivated());
    activity.findViewById(R.id.flip).performClick();
    assertFalse(activity.findViewById(R.id.torch).isActivated());
    View freeze = activity.findViewById(R.id.freeze);
    assertEquals("Freeze the picture", freeze.getContentDescription());
    freeze.performClick();
    assertTrue(screen.camera.last().frozen);
  }

  @Test
  public void theScreenStaysOnAndReachesTheEdges() {
    CameraActivity activity = screen.start();
    int flags = activity.getWindow().getAttributes().flags;
    assertTrue((flags & android.view.WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON) != 0);
    View preview = activity.findViewById(R.id.preview);
    assertEquals(activity.getWindow().getDecorView().getHeight(), preview.getHeight());
    android.view.WindowInsets bars =
        new android.view.WindowInsets.Builder()
            .setInsets(
                android.view.WindowInsets.Type.systemBars(), android.graphics.Insets.of(0, 50, 0, 90))
            .build();
    View top = activity.findViewById(R.id.top);
    View sheet = activity.findViewById(R.id.sheet);
    int topBefore = top.getPaddingTop();
    activity.getWindow().getDecorView().dispatchApplyWindowInsets(bars);
    assertEquals("controls are padded", topBefore + 50, top.getPaddingTop());
    assertEquals(90, sheet.getPaddingBottom());
    activity.getWindow().getDecorView().dispatchApplyWindowInsets(bars);
    assertEquals("once", topBefore + 50, top.getPaddingTop());
    assertEquals("the preview is not", 0, preview.getPaddingTop());
  }

  @Test
  public void everyScreenIsReachedFromHere() {
    CameraActivity activity = screen.start();
    int[] buttons = {R.id.picture, R.id.models};
    Class<?>[] screens = {PictureActivity.class, ModelsActivity.class};
    for (int i = 0; i < buttons.length; i++) {
      activity.findViewById(buttons[i]).performClick();
      assertStarted(screens[i]);
    }
    int[] menu = {R.string.compare, R.string.draw, R.string.measure, R.string.about};
    Class<?>[] further = {
      CompareActivity.class, DrawActivity.class, MeasureActivity.class, AboutActivity.class
    };
    for (int i = 0; i < menu.length; i++) {
      activity.onMenu(menu[i]);
      assertStarted(further[i]);
    }
  }

  private void assertStarted(Class<?> expected) {
    assertEquals(
        expected.getName(),
        Shadows.shadowOf(screen.activity).getNextStartedActivity().getComponent().getClassName());
  }

  @Test
  public void newestFrameOnlyWhileOneIsClassified() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), null);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    Pipeline pipeline = activity.pipeline();
    Screens.await("the gate to open", pipeline.gate()::isFree);
    long accepted = pipeline.gate().accepted();
    long dropped = pipeline.gate().dropped();
    CountDownLatch busy = new CountDownLatch(1);
    pipeline.offer(
        () -> {
          hold(busy); // holds the inference thread, however quick the model is
          return new Picture(1, 1, 1, new byte[1]);
        });
    for (int i = 0; i < 3; i++) {
      pipeline.offer(FakeFrames.frame(screen.digits[i], 40), 90, 1);
    }
    assertEquals(accepted + 1, pipeline.gate().accepted());
    assertEquals(dropped + 2, pipeline.gate().dropped());
    busy.countDown();
    Screens.await("the gate to open again", pipeline.gate()::isFree);
    pipeline.offer(FakeFrames.frame(screen.digits[0], 10), 0, 1);
    assertEquals(accepted + 2, pipeline.gate().accepted());
  }

  private static void hold(CountDownLatch latch) throws java.io.IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new java.io.InterruptedIOException();
    }
  }

  @Test
  @Config(qualifiers = "+land")
  public void landscapeHasPreviewBesideResults() throws Exception {
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[6]);
    View decor = activity.getWindow().getDecorView();
    View preview = activity.findViewById(R.id.preview);
    assertEquals(decor.getHeight(), preview.getHeight());
    assertTrue(preview.getWidth() < decor.getWidth() && preview.getWidth() > decor.getWidth() / 2);
    assertTrue("always open", screen.sheet().isOpen());
    activity.findViewById(R.id.sheet_head).performClick();
    assertTrue(screen.sheet().isOpen());
  }

  @Test
  public void refusedPermissionSaysWhatToDoAndTheRestWorks() throws Exception {
    Shadows.shadowOf(screen.application).denyPermissions(Manifest.permission.CAMERA);
    CameraActivity activity = screen.start();
    assertEquals(
        Manifest.permission.CAMERA,
        Shadows.shadowOf(activity).getLastRequestedPermission().requestedPermissions[0]);
    activity.onRequestPermissionsResult(
        1, new String[] {Manifest.permission.CAMERA}, new int[] {-1});
    assertTrue(screen.problem(), screen.problem().contains("not allowed"));
    assertEquals(0, screen.camera.made.size());
    int[] ofTheCamera = {R.id.reticle, R.id.flip, R.id.torch, R.id.freeze};
    for (int id : ofTheCamera) {
      assertTrue(activity.findViewById(id).getVisibility() != View.VISIBLE);
    }
    Screens.await("the model", () -> !screen.text(R.id.runtime).isEmpty());
    assertEquals("No picture", screen.text(R.id.best));
    activity.findViewById(R.id.picture).performClick();
    assertEquals(
        PictureActivity.class.getName(),
        Shadows.shadowOf(activity).getNextStartedActivity().getComponent().getClassName());
    activity.findViewById(R.id.problem_action).performClick();
    assertEquals(
        android.provider.Settings.ACTION_APPLICATION_DETAILS_SETTINGS,
        Shadows.shadowOf(activity).getNextStartedActivity().getAction());
    Shadows.shadowOf(screen.application).grantPermissions(Manifest.permission.CAMERA);
    screen.controller.pause().resume();
    assertEquals(1, screen.camera.open());
    assertEquals("", screen.problem());
    for (int id : ofTheCamera) {
      Screens.await("a control", () -> activity.findViewById(id).getVisibility() == View.VISIBLE);
    }
    Screens.await("the model", () -> screen.text(R.id.best).equals("Looking\u2026"));
  }

  @Test
  public void noCameraSaysSo() throws Exception {
    screen.camera.none = true;
    CameraActivity activity = screen.start();
    screen.awaitProblem("no camera");
  }

  @Test
  public void cameraThatStopsCanBeTriedAgain() throws Exception {
    CameraActivity activity = screen.start();
    screen.camera.last().listener.onProblem(
        new Problem(R.string.camera_failed, R.string.camera_failed_advice, "camera error 3"));
    screen.awaitProblem("camera error 3");
    int before = screen.camera.last().retries;
    activity.findViewById(R.id.problem_action).performClick();
    assertEquals("the same visit", 1, screen.camera.made.size());
    assertEquals(before + 1, screen.camera.last().retries);
    assertEquals("", screen.problem());
  }

  @Test
  public void cameraThatComesBackByItselfIsSeen() throws Exception {
    CameraActivity activity = screen.start();
    screen.camera.last().listener.onProblem(
        new Problem(R.string.camera_failed, R.string.camera_busy_advice, "in use"));
    screen.awaitProblem("starts again by itself");
    int before = screen.camera.last().retries;
    activity.onTopResumedActivityChanged(true);
    assertEquals(before + 1, screen.camera.last().retries);
    screen.camera.last().listener.onPreview(new PreviewGeometry(640, 480, 90));
    Screens.await("the words to go", () -> screen.problem().isEmpty());
  }

  @Test
  public void flipChangesTheCameraAndIsRemembered() {
    CameraActivity activity = screen.start();
    assertFalse(screen.camera.last().front);
    activity.findViewById(R.id.flip).performClick();
    assertTrue(screen.camera.last().front);
    assertEquals(1, screen.camera.open());
    assertTrue(Settings.load(screen.application).front);
  }
}
