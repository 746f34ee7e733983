package org.xncaps.demo;

import android.app.Activity;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.os.Looper;
import android.view.View;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.robolectric.Shadows;

/** Waiting for what other threads bring, and pictures of screens. */
final class Screens {
  private Screens() {}

  /** Runs the main thread's messages until the condition holds, at most 20 s. */
  static void await(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + 20_000_000_000L;
    while (true) {
      Shadows.shadowOf(Looper.getMainLooper()).idle();
      if (condition.call()) {
        return;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("waited 20 s for: " + what);
      }
      Thread.sleep(5);
    }
  }

  /** Draws the activity's window into build/screens/NAME.png. */
  static Bitmap save(Activity activity, String name) throws IOException {
    View root = activity.getWindow().getDecorView();
    if (root.getWidth() == 0) {
      throw new AssertionError("expected a laid-out window");
    }
    Bitmap bitmap =
        Bitmap.createBitmap(root.getWidth(), root.getHeight(), Bitmap.Config.ARGB_8888);
    root.draw(new Canvas(bitmap));
    File folder = new File(System.getProperty("screens"));
    if (!folder.isDirectory() && !folder.mkdirs()) {
      throw new IOException("expected to make " + folder);
    }
    try (FileOutputStream out = new FileOutputStream(new File(folder, name + ".png"))) {
      bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
    }
    return bitmap;
  }

  /** Distinct colours: a blank screen has one. */
  static int colors(Bitmap bitmap) {
    java.util.HashSet<Integer> seen = new java.util.HashSet<>();
    for (int y = 0; y < bitmap.getHeight(); y += 2) {
      for (int x = 0; x < bitmap.getWidth(); x += 2) {
        seen.add(bitmap.getPixel(x, y));
      }
    }
    return seen.size();
  }
}
