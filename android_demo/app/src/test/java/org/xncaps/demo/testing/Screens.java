package org.xncaps.demo.testing;

import android.app.Activity;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.os.Looper;
import android.text.Layout;
import android.view.View;
import android.view.ViewGroup;
import android.widget.TextView;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.junit.Assert;
import org.robolectric.RuntimeEnvironment;
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

  /** Every text that is shown has all its lines in its view, and none ends in an ellipsis. */
  public static void assertNoTextIsCut(View view) {
    if (view.getVisibility() != View.VISIBLE) {
      return;
    }
    if (view instanceof TextView && ((TextView) view).getLayout() != null) {
      TextView text = (TextView) view;
      Layout layout = text.getLayout();
      String what = view + " " + text.getText();
      int room = view.getHeight() - text.getTotalPaddingTop() - text.getTotalPaddingBottom();
      Assert.assertTrue(what, layout.getHeight() <= room);
      for (int line = 0; line < layout.getLineCount(); line++) {
        Assert.assertEquals(what, 0, layout.getEllipsisCount(line));
      }
    }
    if (view instanceof ViewGroup) {
      for (int i = 0; i < ((ViewGroup) view).getChildCount(); i++) {
        assertNoTextIsCut(((ViewGroup) view).getChildAt(i));
      }
    }
  }

  /**
   * Draws the activity's window into build/screens/NAME.png, with the picture where the camera's
   * would be, filling it as on a phone: a TextureView has none without a screen.
   */
  public static Bitmap save(Activity activity, String name, Bitmap picture) throws IOException {
    Shadows.shadowOf(Looper.getMainLooper()).idle();
    View root = activity.getWindow().getDecorView();
    if (root.getWidth() == 0) {
      throw new AssertionError("expected a laid-out window");
    }
    Bitmap bitmap =
        Bitmap.createBitmap(root.getWidth(), root.getHeight(), Bitmap.Config.ARGB_8888);
    View preview = activity.findViewById(R.id.preview);
    if (preview != null && picture != null) {
      preview.setVisibility(View.INVISIBLE); // what is behind it shows through
      Filling filling = new Filling(picture);
      filling.up = preview.getTranslationY();
      ((View) preview.getParent()).setBackground(filling);
    }
    root.draw(new Canvas(bitmap));
    write(bitmap, name);
    return bitmap;
  }

  /** Into build/screens/NAME.png. */
  public static void write(Bitmap bitmap, String name) throws IOException {
    File folder = new File(System.getProperty("screens"));
    if (!folder.isDirectory() && !folder.mkdirs()) {
      throw new IOException("expected to make " + folder);
    }
    try (FileOutputStream out = new FileOutputStream(new File(folder, name + ".png"))) {
      bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
    }
  }

  /** A picture that fills its view, cut where it is too long. */
  private static final class Filling extends android.graphics.drawable.BitmapDrawable {
    private final Bitmap picture;
    private float up;

    Filling(Bitmap picture) {
      super(RuntimeEnvironment.getApplication().getResources(), picture);
      this.picture = picture;
    }

    @Override
    public void draw(Canvas canvas) {
      android.graphics.Rect view = getBounds();
      float scale =
          Math.max(
              (float) view.width() / picture.getWidth(),
              (float) view.height() / picture.getHeight());
      canvas.save();
      canvas.clipRect(view);
      canvas.translate(view.exactCenterX(), view.exactCenterY() + up);
      canvas.scale(scale, scale);
      Paint smooth = new Paint(Paint.FILTER_BITMAP_FLAG);
      canvas.drawBitmap(picture, -picture.getWidth() / 2f, -picture.getHeight() / 2f, smooth);
      canvas.restore();
    }
  }

  /** A photograph of the golden files, as large as a camera's upright picture. */
  public static Bitmap photograph(String name) throws IOException {
    byte[] png = TestModels.bytes(name);
    return upright(android.graphics.BitmapFactory.decodeByteArray(png, 0, png.length));
  }

  /** The middle of a picture, cut and scaled to 480 x 640. */
  public static Bitmap upright(Bitmap picture) {
    Bitmap out = Bitmap.createBitmap(480, 640, Bitmap.Config.ARGB_8888);
    Filling filling = new Filling(picture);
    filling.setBounds(0, 0, 480, 640);
    filling.draw(new Canvas(out));
    return out;
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
