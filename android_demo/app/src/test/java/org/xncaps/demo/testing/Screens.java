package org.xncaps.demo.testing;

import android.app.Activity;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.os.Looper;
import android.view.View;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.robolectric.Shadows;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;

/** Waiting for what other threads bring, and pictures of screens. */
public final class Screens {
  private Screens() {}

  /** Runs the main thread's messages until the condition holds, at most 60 s. */
  public static void await(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + 60_000_000_000L;
    while (true) {
      Shadows.shadowOf(Looper.getMainLooper()).idle();
      if (condition.call()) {
        return;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("waited 60 s for: " + what);
      }
      Thread.sleep(5);
    }
  }

  /**
   * Every model that a screen opened is closed once its screen is gone. Each test waits for that: at
   * its end Robolectric throws away what is still to be done on other threads.
   */
  public static void awaitModelsClosed() {
    try {
      await("models to be closed, left: " + Classifier.open(), () -> Classifier.open() == 0);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  public static Bitmap save(Activity activity, String name) throws IOException {
    return save(activity, name, null);
  }

  /**
   * Draws the activity's window into build/screens/NAME.png, with the digit where the camera's
   * picture would be: a TextureView has no picture without a screen.
   */
  public static Bitmap save(Activity activity, String name, float[] digit) throws IOException {
    Shadows.shadowOf(Looper.getMainLooper()).idle();
    View root = activity.getWindow().getDecorView();
    if (root.getWidth() == 0) {
      throw new AssertionError("expected a laid-out window");
    }
    Bitmap bitmap =
        Bitmap.createBitmap(root.getWidth(), root.getHeight(), Bitmap.Config.ARGB_8888);
    Canvas canvas = new Canvas(bitmap);
    root.draw(canvas);
    View preview = activity.findViewById(R.id.preview);
    if (preview != null) {
      drawPreview(canvas, preview, digit);
    }
    File folder = new File(System.getProperty("screens"));
    if (!folder.isDirectory() && !folder.mkdirs()) {
      throw new IOException("expected to make " + folder);
    }
    try (FileOutputStream out = new FileOutputStream(new File(folder, name + ".png"))) {
      bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
    }
    return bitmap;
  }

  private static void drawPreview(Canvas canvas, View preview, float[] digit) {
    int[] at = new int[2];
    preview.getLocationInWindow(at);
    Paint paint = new Paint();
    paint.setAntiAlias(false);
    canvas.drawRect(
        at[0], at[1], at[0] + preview.getWidth(), at[1] + preview.getHeight(), paint);
    if (digit == null) {
      return;
    }
    float side = Math.min(preview.getWidth(), preview.getHeight());
    float left = at[0] + (preview.getWidth() - side) / 2;
    float top = at[1] + (preview.getHeight() - side) / 2;
    for (int i = 0; i < digit.length; i++) {
      int grey = 255 - Math.round(digit[i]);
      paint.setColor(0xFF000000 | grey << 16 | grey << 8 | grey);
      float x = left + i % 8 * side / 8;
      float y = top + i / 8 * side / 8;
      canvas.drawRect(x, y, x + side / 8, y + side / 8, paint);
    }
  }

  /** Distinct colours: a blank screen has one. */
  public static int colors(Bitmap bitmap) {
    java.util.HashSet<Integer> seen = new java.util.HashSet<>();
    for (int y = 0; y < bitmap.getHeight(); y += 2) {
      for (int x = 0; x < bitmap.getWidth(); x += 2) {
        seen.add(bitmap.getPixel(x, y));
      }
    }
    return seen.size();
  }
}
