package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.text.Layout;
import android.view.View;
import android.view.ViewGroup;
import android.widget.Button;
import android.widget.Spinner;
import android.widget.TextView;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.xncaps.core.TopK;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.picture.PictureActivity;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.ui.BarsView;

/** Words for TalkBack, controls that a finger hits, large fonts and long names. */
@RunWith(RobolectricTestRunner.class)
public final class AccessibilityTest {
  private static final int LEAST_DP = 48;

  @Rule public final CameraScreen screen = new CameraScreen();

  /** Checks every view that is shown; returns how many of them react to a touch. */
  private static int check(View view) {
    if (view.getVisibility() != View.VISIBLE) {
      return 0;
    }
    int found = 0;
    boolean words = view instanceof TextView && ((TextView) view).isTextSelectable();
    if (view.isClickable() && !words) {
      found++;
      float density = view.getResources().getDisplayMetrics().density;
      String name = view.toString();
      assertTrue(name, words(view).length() > 1 || labelled(view));
      assertTrue(name, view.getHeight() >= LEAST_DP * density);
      assertTrue(name, view.getWidth() >= LEAST_DP * density);
    }
    if (view instanceof ViewGroup && !(view instanceof Spinner)) {
      for (int i = 0; i < ((ViewGroup) view).getChildCount(); i++) {
        found += check(((ViewGroup) view).getChildAt(i));
      }
    }
    return found;
  }

  private static String words(View view) {
    CharSequence spoken = view.getContentDescription();
    if (spoken == null && view instanceof TextView) {
      spoken = ((TextView) view).getText();
    }
    return spoken == null ? "" : spoken.toString();
  }

  /** Whether a text beside the view names it. */
  private static boolean labelled(View view) {
    ViewGroup parent = (ViewGroup) view.getParent();
    for (int i = 0; i < parent.getChildCount(); i++) {
      View other = parent.getChildAt(i);
      if (other.getLabelFor() == view.getId() && words(other).length() > 1) {
        return true;
      }
    }
    return false;
  }

  @Test
  public void everyControlSpeaksAndIsLargeEnough() throws Exception {
    CameraActivity activity = screen.start();
    assertEquals(5, check(activity.getWindow().getDecorView()));
    assertNotNull(activity.findViewById(R.id.preview).getContentDescription());
    assertNull(activity.findViewById(R.id.status).getContentDescription()); // its text is read
    View settings = screen.dialog(R.id.settings).findViewById(R.id.threads).getRootView();
    assertTrue(check(settings) >= 6); // three lists, the switch, two buttons
    screen.awaitResult(screen.digits[0]);
    String spoken = screen.panel(0).bars().getContentDescription().toString();
    assertTrue(spoken, spoken.matches("small_cnn_xnodr says: \\d, score \\d\\.\\d\\d.*"));
  }

  @Test
  public void everyControlOfTheOtherScreensToo() {
    try (ActivityController<PictureActivity> picture =
        Robolectric.buildActivity(PictureActivity.class).setup()) {
      assertEquals(2, check(picture.get().getWindow().getDecorView()));
      assertNotNull(picture.get().findViewById(R.id.shown).getContentDescription());
    }
    screen.camera.none = false;
    CameraActivity activity = screen.start();
    screen.camera.last().listener.onProblem(
        new Problem(R.string.camera_failed, R.string.camera_failed_advice, null));
    org.robolectric.Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
    Button retry = activity.findViewById(R.id.problem_action);
    assertEquals(View.VISIBLE, retry.getVisibility());
    assertTrue(check(activity.getWindow().getDecorView()) >= 6);
    assertEquals(
        View.ACCESSIBILITY_LIVE_REGION_POLITE,
        activity.findViewById(R.id.problem_text).getAccessibilityLiveRegion());
  }

  @Test
  public void largestFontCutsNoWord() throws Exception {
    RuntimeEnvironment.setFontScale(2);
    try {
      CameraActivity activity = screen.start();
      screen.awaitResult(screen.digits[0]);
      screen.status();
      for (int id : new int[] {R.id.flip, R.id.models, R.id.settings, R.id.picture, R.id.share}) {
        Button button = activity.findViewById(id);
        Layout layout = button.getLayout();
        int room = button.getWidth() - button.getTotalPaddingLeft() - button.getTotalPaddingRight();
        assertEquals(button.getText().toString(), 1, layout.getLineCount());
        assertEquals(button.getText().length(), layout.getLineEnd(0));
        assertTrue(button.getText().toString(), layout.getLineWidth(0) <= room);
        assertTrue(layout.getHeight() <= button.getHeight());
      }
      BarsView bars = screen.panel(0).bars();
      float sp = activity.getResources().getDisplayMetrics().scaledDensity;
      assertTrue("a row holds its words", bars.getHeight() / 3f >= 16 * sp * 1.2f);
      Screens.save(activity, "large-font", screen.digits[0]);
    } finally {
      RuntimeEnvironment.setFontScale(1);
    }
  }

  private static Bitmap drawn(BarsView bars, String label) {
    List<TopK.Entry> one =
        TopK.of(new float[] {0.25f}, Collections.singletonList(label), 1, 0);
    bars.show(one, 1);
    bars.measure(
        View.MeasureSpec.makeMeasureSpec(600, View.MeasureSpec.EXACTLY),
        View.MeasureSpec.makeMeasureSpec(0, View.MeasureSpec.UNSPECIFIED));
    bars.layout(0, 0, bars.getMeasuredWidth(), bars.getMeasuredHeight());
    Bitmap bitmap =
        Bitmap.createBitmap(bars.getWidth(), bars.getHeight(), Bitmap.Config.ARGB_8888);
    bars.draw(new Canvas(bitmap));
    return bitmap;
  }

  private static List<Integer> column(Bitmap bitmap, int from, int to) {
    List<Integer> pixels = new ArrayList<>();
    for (int x = from; x < to; x++) {
      for (int y = 0; y < bitmap.getHeight(); y++) {
        pixels.add(bitmap.getPixel(x, y));
      }
    }
    return pixels;
  }

  @Test
  public void longClassNamesLeaveTheScoreReadable() {
    BarsView bars = new BarsView(screen.start());
    Bitmap brief = drawn(bars, "owl");
    Bitmap full = drawn(bars, "great grey owl, great gray owl, Strix nebulosa, of the north");
    assertEquals(600, full.getWidth());
    assertTrue("the score", column(brief, 500, 600).equals(column(full, 500, 600)));
    assertFalse("the name", column(brief, 0, 500).equals(column(full, 0, 500)));
  }
}
