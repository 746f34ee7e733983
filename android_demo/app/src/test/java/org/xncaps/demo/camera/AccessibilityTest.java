package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.view.View;
import android.view.ViewGroup;
import android.widget.Button;
import android.widget.Spinner;
import android.widget.TextView;
import java.util.ArrayList;
import java.util.Arrays;
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
import org.xncaps.demo.measure.MeasureActivity;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.draw.DrawActivity;
import org.xncaps.demo.picture.PictureActivity;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.ui.AboutActivity;
import org.xncaps.demo.ui.BarsView;
import org.xncaps.demo.ui.ModelsActivity;
import org.xncaps.demo.ui.ReticleView;
import org.xncaps.demo.ui.Words;

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
    if (spoken == null && view instanceof ViewGroup) { // TalkBack reads what lies in it
      StringBuilder inside = new StringBuilder();
      for (int i = 0; i < ((ViewGroup) view).getChildCount(); i++) {
        View child = ((ViewGroup) view).getChildAt(i);
        inside.append(child.getVisibility() == View.VISIBLE ? words(child) : "");
      }
      return inside.toString();
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
    screen.awaitResult(screen.digits[0]);
    // six round buttons, the menu, the model's name, the sheet, the picture that is pinched
    assertTrue(check(activity.getWindow().getDecorView()) >= 9);
    assertNotNull(activity.findViewById(R.id.preview).getContentDescription());
    assertEquals(
        View.ACCESSIBILITY_LIVE_REGION_POLITE,
        activity.findViewById(R.id.best).getAccessibilityLiveRegion());
    View settings = screen.dialog(R.id.settings).findViewById(R.id.threads).getRootView();
    assertTrue(check(settings) >= 2); // the switch, the button
    String spoken = screen.sheet().bars().getContentDescription().toString();
    assertTrue(spoken, spoken.matches("small_cnn_xnodr says: \\d, \\d+ %.*"));
  }

  @Test
  public void everyControlOfTheOtherScreensToo() {
    List<Class<? extends Activity>> screens =
        Arrays.asList(
            PictureActivity.class, DrawActivity.class, ModelsActivity.class, AboutActivity.class,
            CompareActivity.class, MeasureActivity.class);
    for (Class<? extends Activity> type : screens) {
      try (ActivityController<? extends Activity> other =
          Robolectric.buildActivity(type).setup()) {
        org.robolectric.Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
        assertTrue(type.getName(), check(other.get().getWindow().getDecorView()) >= 1);
      }
    }
    CameraActivity activity = screen.start();
    screen.camera.last().listener.onProblem(
        new Problem(R.string.camera_failed, R.string.camera_failed_advice, null));
    org.robolectric.Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
    Button retry = activity.findViewById(R.id.problem_action);
    assertEquals(View.VISIBLE, retry.getVisibility());
    check(activity.getWindow().getDecorView());
    assertEquals(
        View.ACCESSIBILITY_LIVE_REGION_POLITE,
        activity.findViewById(R.id.problem_text).getAccessibilityLiveRegion());
  }

  @Test
  public void largestFontLeavesReticleAndWordsWhole() throws Exception {
    RuntimeEnvironment.setFontScale(2);
    try {
      CameraActivity activity = screen.start();
      screen.awaitResult(screen.digits[0]);
      TextView best = activity.findViewById(R.id.best);
      best.setText(Words.label("God-Morgon-Orange-Red-Grapefruit-Juice")); // of the groceries
      org.robolectric.Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
      Screens.assertNoTextIsCut(best);
      for (int line = 0; line < best.getLineCount() - 1; line++) {
        int end = best.getLayout().getLineEnd(line);
        assertTrue("a whole word", best.getText().toString().startsWith("-\u200b", end - 2));
      }
      activity.findViewById(R.id.sheet_head).performClick();
      org.robolectric.Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
      BarsView bars = screen.sheet().bars();
      float sp = activity.getResources().getDisplayMetrics().scaledDensity;
      assertTrue("a row holds its words", bars.getHeight() / 5f >= 16 * sp * 1.2f);
      View buttons = activity.findViewById(R.id.buttons);
      assertTrue("the open sheet leaves the buttons in sight", buttons.getTop() >= 0);
      View decor = activity.getWindow().getDecorView();
      int[] at = new int[2];
      screen.sheet().getLocationInWindow(at);
      assertTrue(at[1] + screen.sheet().getHeight() <= decor.getHeight());
    } finally {
      RuntimeEnvironment.setFontScale(1);
    }
  }

  /** Where a view's edge is in the window, moved as it may be. */
  private static float bottom(View view) {
    int[] at = new int[2];
    view.getLocationInWindow(at);
    return at[1] + view.getHeight();
  }

  @Test
  public void theReticleStaysInSightWhileTheSheetIsOpen() throws Exception {
    assertReticleInSight();
  }

  @Test
  public void andAtTheLargestFont() throws Exception {
    RuntimeEnvironment.setFontScale(2);
    try {
      assertReticleInSight();
    } finally {
      RuntimeEnvironment.setFontScale(1);
    }
  }

  private void assertReticleInSight() throws Exception {
    CameraActivity activity = screen.start();
    screen.awaitResult(screen.digits[0]);
    ReticleView reticle = activity.findViewById(R.id.reticle);
    View buttons = activity.findViewById(R.id.buttons);
    View preview = activity.findViewById(R.id.preview);
    for (boolean open : new boolean[] {false, true}) {
      screen.sheet().setOpen(open);
      org.robolectric.Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
      float middle = bottom(reticle) - reticle.getHeight() / 2f;
      float half = reticle.side() / 2;
      assertTrue("below the name", middle - half >= bottom(activity.findViewById(R.id.top)));
      assertTrue("above the buttons", middle + half <= bottom(buttons) - buttons.getHeight());
      assertEquals("one with the picture", bottom(preview), bottom(reticle), 0);
      assertTrue("no gap", bottom(preview) >= bottom(buttons) + 28);
    }
  }

  @Test
  public void largestFontLeavesRoomToDraw() {
    RuntimeEnvironment.setFontScale(2);
    try (ActivityController<DrawActivity> draw =
        Robolectric.buildActivity(DrawActivity.class).setup()) {
      org.robolectric.Shadows.shadowOf(android.os.Looper.getMainLooper()).idle();
      View paper = draw.get().findViewById(R.id.paper);
      float density = paper.getResources().getDisplayMetrics().density;
      assertTrue(Math.min(paper.getWidth(), paper.getHeight()) >= 200 * density);
    } finally {
      RuntimeEnvironment.setFontScale(1);
    }
  }

  private static Bitmap drawn(BarsView bars, String label) {
    List<TopK.Entry> one =
        TopK.of(new double[] {0.25}, Collections.singletonList(label), 1);
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
