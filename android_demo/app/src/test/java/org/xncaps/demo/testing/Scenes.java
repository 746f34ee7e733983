package org.xncaps.demo.testing;

import static org.junit.Assert.assertTrue;

import android.Manifest;
import android.app.Activity;
import android.app.AlertDialog;
import android.content.Intent;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.Canvas;
import android.net.Uri;
import android.os.Looper;
import android.os.SystemClock;
import android.view.MotionEvent;
import android.view.View;
import android.widget.Button;
import android.widget.TextView;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import org.robolectric.Robolectric;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.R;
import org.xncaps.demo.camera.CompareActivity;
import org.xncaps.demo.camera.PreviewGeometry;
import org.xncaps.demo.draw.DrawActivity;
import org.xncaps.demo.draw.DrawView;
import org.xncaps.demo.measure.MeasureActivity;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.picture.PictureActivity;
import org.xncaps.demo.ui.AboutActivity;
import org.xncaps.demo.ui.ModelsActivity;
import org.xncaps.demo.ui.ResultSheet;

/**
 * Each screen in the state in which one would show it to others, drawn into build/screens; no text on
 * it may be cut. The photographs are those of the golden files, or the JPEG files of the folder
 * -Dpictures=FOLDER.
 */
public final class Scenes {
  private static final String PHOTOGRAPHS = System.getProperty("pictures", "");
  /** Strokes of a 2, in sides of the paper. */
  private static final float[][] TWO = {
    {.33f, .35f}, {.36f, .27f}, {.45f, .22f}, {.55f, .22f}, {.63f, .28f}, {.65f, .37f},
    {.6f, .47f}, {.5f, .58f}, {.4f, .68f}, {.33f, .76f}, {.45f, .75f}, {.57f, .76f}, {.69f, .76f}
  };

  private final CameraScreen screen;
  private final String ending;
  private final int frames;

  /** @param ending of the pictures' names: how the device is held, or set */
  public Scenes(CameraScreen screen, String ending) {
    this.screen = screen;
    this.ending = ending;
    // Photographs are for the docs, where the times of a model have settled.
    this.frames = PHOTOGRAPHS.isEmpty() ? 2 : ending.isEmpty() ? 100 : 20;
  }

  /** All but measuring, which takes long. */
  public void all() throws Exception {
    camera("camera", 0, false);
    camera("camera-open", 2, true);
    settings();
    compare();
    draw();
    picture();
    models();
    page(AboutActivity.class, "about");
    refused();
  }

  private static byte[] photograph(int number) throws Exception {
    if (PHOTOGRAPHS.isEmpty()) {
      return TestModels.bytes(number % 2 == 0 ? "flower.png" : "china.png");
    }
    File[] files = new File(PHOTOGRAPHS).listFiles((in, name) -> name.endsWith(".jpg"));
    assertTrue(
        "-Dpictures: expected a folder with .jpg files, got " + PHOTOGRAPHS,
        files != null && files.length > 0);
    Arrays.sort(files);
    return Files.readAllBytes(files[number % files.length].toPath());
  }

  private static Bitmap upright(int number) throws Exception {
    byte[] bytes = photograph(number);
    return Screens.upright(BitmapFactory.decodeByteArray(bytes, 0, bytes.length));
  }

  private void save(Activity activity, String name, Bitmap picture) throws Exception {
    Shadows.shadowOf(Looper.getMainLooper()).idle();
    Screens.assertNoTextIsCut(activity.getWindow().getDecorView());
    Bitmap drawn = Screens.save(activity, name + ending, picture);
    assertTrue(name, Screens.colors(drawn) > (picture == null ? 20 : 200));
  }

  private void camera(String name, int number, boolean open) throws Exception {
    screen.start();
    Bitmap photograph = upright(number);
    screen.camera.last().listener.onPreview(new PreviewGeometry(1440, 1080, 90));
    screen.sheet().setOpen(open);
    YuvFrame frame = FakeFrames.frame(photograph);
    Screens.await(
        "a result",
        () -> {
          screen.camera.last().send(frame, 90);
          return screen.sheet().shown() != null && screen.sheet().shown().count >= frames;
        });
    screen.status();
    save(screen.activity, name, photograph);
  }

  private void settings() throws Exception {
    AlertDialog dialog = screen.dialog(R.id.settings);
    View decor = dialog.getWindow().getDecorView();
    Screens.assertNoTextIsCut(decor);
    Bitmap bitmap =
        Bitmap.createBitmap(decor.getWidth(), decor.getHeight(), Bitmap.Config.ARGB_8888);
    decor.draw(new Canvas(bitmap));
    Screens.write(bitmap, "settings" + ending);
    dialog.dismiss();
  }

  private void compare() throws Exception {
    if (new ModelStore(screen.application).assets().size() < 2) {
      screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("tiny_float.tflite"));
    }
    Bitmap photograph = upright(3);
    try (ActivityController<CompareActivity> compare =
        Robolectric.buildActivity(CompareActivity.class).setup()) {
      TextView verdict = compare.get().findViewById(R.id.verdict);
      screen.camera.last().listener.onPreview(new PreviewGeometry(1440, 1080, 90));
      YuvFrame frame = FakeFrames.frame(photograph);
      int[] sent = {0};
      Screens.await(
          "a comparison",
          () -> {
            screen.camera.last().send(frame, 90);
            return verdict.length() > 0 && sent[0]++ >= frames;
          });
      Shadows.shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(1)); // frames a second
      save(compare.get(), "compare", photograph);
    }
  }

  private void draw() throws Exception {
    try (ActivityController<DrawActivity> draw =
        Robolectric.buildActivity(DrawActivity.class).setup()) {
      DrawView paper = draw.get().findViewById(R.id.paper);
      float side = Math.min(paper.getWidth(), paper.getHeight());
      long now = SystemClock.uptimeMillis();
      for (int i = 0; i < TWO.length; i++) {
        paper.onTouchEvent(
            MotionEvent.obtain(
                now, now, i == 0 ? MotionEvent.ACTION_DOWN : MotionEvent.ACTION_MOVE,
                (paper.getWidth() - side) / 2 + TWO[i][0] * side,
                (paper.getHeight() - side) / 2 + TWO[i][1] * side, 0));
      }
      ResultSheet sheet = draw.get().findViewById(R.id.sheet);
      Screens.await("an answer", () -> sheet.shown() != null && sheet.shown().count > 1);
      save(draw.get(), "draw", null);
    }
  }

  private void picture() throws Exception {
    Uri uri = Uri.parse("content://gallery/picture");
    byte[] bytes = photograph(1);
    Shadows.shadowOf(screen.application.getContentResolver())
        .registerInputStreamSupplier(uri, () -> new ByteArrayInputStream(bytes));
    Intent shared = new Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, uri);
    try (ActivityController<PictureActivity> picture =
        Robolectric.buildActivity(PictureActivity.class, shared).setup()) {
      ResultSheet sheet = picture.get().findViewById(R.id.sheet);
      Screens.await("an answer", () -> sheet.shown() != null);
      save(picture.get(), "picture", null);
    }
  }

  private void models() throws Exception {
    TestModels.added("my_own.tflite", TestModels.bytes("tiny_float.tflite"));
    page(ModelsActivity.class, "models");
  }

  private void page(Class<? extends Activity> type, String name) throws Exception {
    try (ActivityController<? extends Activity> page = Robolectric.buildActivity(type).setup()) {
      save(page.get(), name, null);
    }
  }

  /** Measures what is there, two models at least. */
  public void measure() throws Exception {
    if (new ModelStore(screen.application).all().size() < 2) {
      TestModels.added("tiny_float.tflite", TestModels.bytes("tiny_float.tflite"));
    }
    try (ActivityController<MeasureActivity> measure =
        Robolectric.buildActivity(MeasureActivity.class).setup()) {
      Button action = measure.get().findViewById(R.id.list_action);
      action.performClick();
      String done = measure.get().getString(R.string.measure_again);
      Screens.await("times", () -> done.contentEquals(action.getText()));
      save(measure.get(), "measure", null);
    }
  }

  private void refused() throws Exception {
    Shadows.shadowOf(screen.application).denyPermissions(Manifest.permission.CAMERA);
    screen.start();
    screen.activity.onRequestPermissionsResult(
        1, new String[] {Manifest.permission.CAMERA}, new int[] {-1});
    save(screen.activity, "refused", null);
  }
}
