package org.xncaps.demo.ui;

import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.content.Intent;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.net.Uri;
import android.os.SystemClock;
import android.view.MotionEvent;
import android.view.View;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.nio.file.Files;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.R;
import org.xncaps.demo.camera.CompareActivity;
import org.xncaps.demo.camera.PreviewGeometry;
import org.xncaps.demo.draw.DrawActivity;
import org.xncaps.demo.draw.DrawView;
import org.xncaps.demo.measure.MeasureActivity;
import org.xncaps.demo.picture.PictureActivity;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.FakeFrames;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;

/**
 * Every screen as a picture in build/screens, light and dark, turned, on a tablet, with the largest
 * font and from right to left, with a photograph where the camera's picture is: to be looked at. The
 * photographs are those of the golden files, or the JPEG files of the folder -Dpictures=FOLDER.
 */
@RunWith(RobolectricTestRunner.class)
public final class PicturesTest {
  @Rule public final CameraScreen screen = new CameraScreen();

  /** So many frames show the times of a model that has settled. */
  private static final int WARM = 99;

  private static byte[] photograph(int number) throws Exception {
    String folder = System.getProperty("pictures", "");
    if (folder.isEmpty()) {
      return TestModels.bytes(number % 2 == 0 ? "flower.png" : "china.png");
    }
    File[] files = new File(folder).listFiles((in, name) -> name.endsWith(".jpg"));
    assertTrue(
        "-Dpictures: expected a folder with .jpg files, got " + folder,
        files != null && files.length > 0);
    java.util.Arrays.sort(files);
    return Files.readAllBytes(files[number % files.length].toPath());
  }

  private static Bitmap upright(int number) throws Exception {
    byte[] bytes = photograph(number);
    return Screens.upright(BitmapFactory.decodeByteArray(bytes, 0, bytes.length));
  }

  private void save(String name, int number, boolean open) throws Exception {
    screen.start();
    Bitmap photograph = upright(number);
    screen.camera.last().listener.onPreview(new PreviewGeometry(1440, 1080, 90));
    if (open) {
      screen.sheet().setOpen(true);
    }
    YuvFrame frame = FakeFrames.frame(photograph);
    Screens.await(
        "a result",
        () -> {
          screen.camera.last().send(frame, 90);
          return screen.sheet().shown() != null && screen.sheet().shown().count > WARM;
        });
    screen.status();
    assertTrue(Screens.colors(Screens.save(screen.activity, name, photograph)) > 200);
  }

  @Test
  public void camera() throws Exception {
    save("camera", 0, false);
    save("camera-open", 0, true);
  }

  @Test
  @Config(qualifiers = "+night")
  public void cameraAtNight() throws Exception {
    save("dark", 2, true);
  }

  @Test
  @Config(qualifiers = "+land")
  public void cameraTurned() throws Exception {
    save("landscape", 2, false);
  }

  @Test
  @Config(qualifiers = "w800dp-h1280dp-mdpi")
  public void cameraOnATablet() throws Exception {
    save("tablet", 0, true);
  }

  @Test
  @Config(qualifiers = "+ar-ldrtl")
  public void cameraFromRightToLeft() throws Exception {
    save("rtl", 0, true);
  }

  @Test
  public void cameraWithTheLargestFont() throws Exception {
    RuntimeEnvironment.setFontScale(2);
    try {
      save("large-font", 0, false);
      save("large-font-open", 0, true);
    } finally {
      RuntimeEnvironment.setFontScale(1);
    }
  }

  @Test
  public void refusedAndBroken() throws Exception {
    Shadows.shadowOf(screen.application).denyPermissions(android.Manifest.permission.CAMERA);
    screen.start();
    screen.activity.onRequestPermissionsResult(
        1, new String[] {android.Manifest.permission.CAMERA}, new int[] {-1});
    Screens.save(screen.activity, "refused");
  }

  @Test
  public void settingsDialog() throws Exception {
    screen.start();
    View dialog = screen.dialog(R.id.settings).getWindow().getDecorView();
    Bitmap bitmap =
        Bitmap.createBitmap(dialog.getWidth(), dialog.getHeight(), Bitmap.Config.ARGB_8888);
    dialog.draw(new android.graphics.Canvas(bitmap));
    Screens.write(bitmap, "settings");
  }

  private void compare(String name) throws Exception {
    if (new org.xncaps.demo.models.ModelStore(screen.application).assets().size() < 2) {
      screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("tiny_float.tflite"));
    }
    Bitmap photograph = upright(3);
    try (ActivityController<CompareActivity> compare =
        Robolectric.buildActivity(CompareActivity.class).setup()) {
      android.widget.TextView verdict = compare.get().findViewById(R.id.verdict);
      screen.camera.last().listener.onPreview(new PreviewGeometry(1440, 1080, 90));
      YuvFrame frame = FakeFrames.frame(photograph);
      Screens.await(
          "a comparison",
          () -> {
            screen.camera.last().send(frame, 90);
            return verdict.getText().toString().matches(".* of 100 frames");
          });
      Shadows.shadowOf(android.os.Looper.getMainLooper())
          .idleFor(java.time.Duration.ofSeconds(1)); // the line of frames a second
      Screens.save(compare.get(), name, photograph);
    }
  }

  @Test
  public void comparison() throws Exception {
    compare("compare");
  }

  @Test
  @Config(qualifiers = "+land-night")
  public void comparisonTurned() throws Exception {
    compare("compare-landscape");
  }

  private void draw(String name) throws Exception {
    try (ActivityController<DrawActivity> draw =
        Robolectric.buildActivity(DrawActivity.class).setup()) {
      DrawView paper = draw.get().findViewById(R.id.paper);
      float side = Math.min(paper.getWidth(), paper.getHeight());
      float[][] two = {
        {.33f, .35f}, {.36f, .27f}, {.45f, .22f}, {.55f, .22f}, {.63f, .28f}, {.65f, .37f},
        {.6f, .47f}, {.5f, .58f}, {.4f, .68f}, {.33f, .76f}, {.45f, .75f}, {.57f, .76f}, {.69f, .76f}
      };
      for (int i = 0; i < two.length; i++) {
        long now = SystemClock.uptimeMillis();
        paper.onTouchEvent(
            MotionEvent.obtain(
                now, now, i == 0 ? MotionEvent.ACTION_DOWN : MotionEvent.ACTION_MOVE,
                (paper.getWidth() - side) / 2 + two[i][0] * side,
                (paper.getHeight() - side) / 2 + two[i][1] * side, 0));
      }
      ResultSheet sheet = draw.get().findViewById(R.id.sheet);
      Screens.await("an answer", () -> sheet.shown() != null && sheet.shown().count > 1);
      Screens.save(draw.get(), name);
    }
  }

  @Test
  public void drawing() throws Exception {
    draw("draw");
  }

  @Test
  @Config(qualifiers = "+land")
  public void drawingTurned() throws Exception {
    draw("draw-landscape");
  }

  private void picture(String name) throws Exception {
    Uri uri = Uri.parse("content://gallery/picture");
    byte[] bytes = photograph(1);
    Shadows.shadowOf(screen.application.getContentResolver())
        .registerInputStreamSupplier(uri, () -> new ByteArrayInputStream(bytes));
    Intent shared = new Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, uri);
    try (ActivityController<PictureActivity> picture =
        Robolectric.buildActivity(PictureActivity.class, shared).setup()) {
      ResultSheet sheet = picture.get().findViewById(R.id.sheet);
      Screens.await("an answer", () -> sheet.shown() != null);
      Screens.save(picture.get(), name);
    }
  }

  @Test
  public void pictureScreen() throws Exception {
    picture("picture");
  }

  @Test
  @Config(qualifiers = "+land")
  public void pictureScreenTurned() throws Exception {
    picture("picture-landscape");
  }

  private void measure(String name) throws Exception {
    if (new org.xncaps.demo.models.ModelStore(screen.application).assets().size() < 2) {
      TestModels.added("tiny_float.tflite", TestModels.bytes("tiny_float.tflite"));
    }
    try (ActivityController<MeasureActivity> measure =
        Robolectric.buildActivity(MeasureActivity.class).setup()) {
      android.widget.Button action = measure.get().findViewById(R.id.list_action);
      action.performClick();
      String done = measure.get().getString(R.string.measure_again);
      Screens.await("times", () -> done.contentEquals(action.getText()));
      assertTrue(Screens.colors(Screens.save(measure.get(), name)) > 20);
    }
  }

  @Test
  public void measuring() throws Exception {
    measure("measure");
  }

  @Test
  @Config(qualifiers = "+land-night")
  public void measuringTurned() throws Exception {
    measure("measure-landscape");
  }

  @Test
  @Config(qualifiers = "+ar-ldrtl")
  public void measuringFromRightToLeftWithTheLargestFont() throws Exception {
    RuntimeEnvironment.setFontScale(2);
    try {
      measure("measure-large-rtl");
    } finally {
      RuntimeEnvironment.setFontScale(1);
    }
  }

  private void page(Class<? extends Activity> type, String name) throws Exception {
    try (ActivityController<? extends Activity> page = Robolectric.buildActivity(type).setup()) {
      Screens.save(page.get(), name);
    }
  }

  @Test
  public void pages() throws Exception {
    TestModels.added("my_own.tflite", TestModels.bytes("tiny_float.tflite"));
    page(ModelsActivity.class, "models");
    page(AboutActivity.class, "about");
  }

  @Test
  @Config(qualifiers = "+night")
  public void pagesAtNight() throws Exception {
    page(ModelsActivity.class, "models-dark");
  }
}
