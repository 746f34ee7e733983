package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.Manifest;
import android.view.View;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Pipeline;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.picture.PictureActivity;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.FakeFrames;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;

/** The camera screen with a fake camera, and real models behind it. */
@RunWith(RobolectricTestRunner.class)
public final class CameraActivityTest {
  @Rule public final CameraScreen screen = new CameraScreen();

  @Test
  public void framesBecomeBarsWithTheRightClass() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), null);
    float[][] expected = TestModels.rows("tiny_fused.outputs.f32", TestModels.CLASSES);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    int best = TestModels.best(expected[0]);
    String spoken = activity.screen().panel(0).bars().getContentDescription().toString();
    assertTrue(spoken, spoken.contains(": " + best + String.format(", score %.2f", expected[0][best])));
    String runtime = activity.screen().panel(0).runtime().toString();
    assertTrue(runtime, runtime.contains("TensorFlow Lite 2.16.1 + xncaps"));
    String times = activity.screen().panel(0).times().toString();
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
    assertTrue(Screens.colors(Screens.save(activity, "camera", screen.digits[0])) > 20);
  }

  @Test
  public void newestFrameOnlyWhileOneIsClassified() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), null);
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    Pipeline pipeline = activity.pipeline();
    for (int i = 0; i < 300; i++) {
      pipeline.offer(FakeFrames.frame(screen.digits[i % 16], 40), 90);
    }
    assertTrue("dropped " + pipeline.gate().dropped(), pipeline.gate().dropped() > 0);
    long accepted = pipeline.gate().accepted();
    Screens.await(
        "the gate to open",
        () -> {
          pipeline.offer(FakeFrames.frame(screen.digits[0], 10), 0);
          return pipeline.gate().accepted() > accepted;
        });
  }

  @Test
  @Config(qualifiers = "+night")
  public void darkTheme() throws Exception {
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[5]);
    screen.status(); // a second passes
    assertEquals(0xFF121514, activity.getColor(R.color.ground));
    int corner = Screens.save(activity, "dark", screen.digits[5]).getPixel(2, 800);
    assertTrue(Integer.toHexString(corner), (corner & 0xFF) < 0x40);
  }

  @Test
  @Config(qualifiers = "+land")
  public void landscapeHasPreviewBesideResults() throws Exception {
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[6]);
    screen.status();
    View preview = activity.findViewById(R.id.preview);
    assertTrue(preview.getHeight() > 0.8 * activity.getWindow().getDecorView().getHeight());
    Screens.save(activity, "landscape", screen.digits[6]);
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
    Screens.save(activity, "refused");
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
    activity.findViewById(R.id.problem_action).performClick();
    assertEquals(2, screen.camera.made.size());
    assertEquals(1, screen.camera.open());
    assertEquals("", screen.problem());
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
