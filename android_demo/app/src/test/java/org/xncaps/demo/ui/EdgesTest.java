package org.xncaps.demo.ui;

import static org.junit.Assert.assertEquals;

import android.graphics.Insets;
import android.graphics.Rect;
import android.os.Looper;
import android.view.DisplayCutout;
import android.view.View;
import android.view.WindowInsets;
import android.view.WindowManager.LayoutParams;
import android.widget.FrameLayout;
import java.util.Collections;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;
import org.robolectric.util.ReflectionHelpers;
import org.robolectric.util.ReflectionHelpers.ClassParameter;
import org.xncaps.demo.R;

/**
 * Screens reach to the display's edges, and what is touched stays clear of bars and cutouts: by the
 * types of insets from Android 11 on, by the system window's before.
 */
@RunWith(RobolectricTestRunner.class)
public final class EdgesTest {
  private static final Rect BARS = new Rect(0, 48, 96, 60);
  private static final Rect CUTOUT = new Rect(30, 80, 0, 0);

  /** Left, top, right and bottom padding of a page once these insets have come. */
  private static Rect padding(WindowInsets insets) {
    try (ActivityController<ModelsActivity> page =
        Robolectric.buildActivity(ModelsActivity.class).setup()) {
      View root = page.get().findViewById(R.id.root);
      root.dispatchApplyWindowInsets(insets);
      return new Rect(
          root.getPaddingLeft(), root.getPaddingTop(), root.getPaddingRight(),
          root.getPaddingBottom());
    }
  }

  private static int cutoutMode() {
    try (ActivityController<ModelsActivity> page =
        Robolectric.buildActivity(ModelsActivity.class).setup()) {
      return page.get().getWindow().getAttributes().layoutInDisplayCutoutMode;
    }
  }

  private static WindowInsets today() {
    return new WindowInsets.Builder()
        .setInsets(WindowInsets.Type.systemBars(), Insets.of(BARS))
        .setInsets(WindowInsets.Type.displayCutout(), Insets.of(CUTOUT))
        .build();
  }

  @Test
  public void pagesKeepClearOfBarsAndCutouts() {
    assertEquals(new Rect(30, 80, 96, 60), padding(today()));
    assertEquals(LayoutParams.LAYOUT_IN_DISPLAY_CUTOUT_MODE_ALWAYS, cutoutMode());
  }

  /** The padding of a view that keeps clear at its start and bottom. */
  private static Rect atStartAndBottom() {
    try (ActivityController<ModelsActivity> page =
        Robolectric.buildActivity(ModelsActivity.class).setup()) {
      FrameLayout view = new FrameLayout(page.get());
      view.setPaddingRelative(1, 2, 3, 4);
      page.get().setContentView(view);
      Shadows.shadowOf(Looper.getMainLooper()).idle(); // laid out: the start is on a side
      Edges.pad(view, true, false, false, true);
      view.dispatchApplyWindowInsets(today());
      return new Rect(
          view.getPaddingLeft(), view.getPaddingTop(), view.getPaddingRight(),
          view.getPaddingBottom());
    }
  }

  @Test
  public void theStartIsOnTheLeft() {
    assertEquals(new Rect(1 + 30, 2, 3, 4 + 60), atStartAndBottom());
  }

  @Test
  @Config(qualifiers = "+ar-ldrtl")
  public void theStartIsOnTheRightWhereOneReadsFromThere() {
    assertEquals(new Rect(3, 2, 1 + 96, 4 + 60), atStartAndBottom());
  }

  @Test
  @Config(sdk = 28)
  @GraphicsMode(GraphicsMode.Mode.LEGACY)
  public void beforeAndroid11TheSystemWindowsInsetsCount() {
    WindowInsets insets =
        ReflectionHelpers.callConstructor(
            WindowInsets.class, ClassParameter.from(Rect.class, BARS),
            ClassParameter.from(Rect.class, null), ClassParameter.from(Rect.class, null),
            ClassParameter.from(boolean.class, false), ClassParameter.from(boolean.class, false),
            ClassParameter.from(
                DisplayCutout.class,
                new DisplayCutout(CUTOUT, Collections.singletonList(new Rect(0, 0, 30, 80)))));
    assertEquals(new Rect(30, 80, 96, 60), padding(insets));
    assertEquals(LayoutParams.LAYOUT_IN_DISPLAY_CUTOUT_MODE_SHORT_EDGES, cutoutMode());
    int reaching =
        View.SYSTEM_UI_FLAG_LAYOUT_FULLSCREEN | View.SYSTEM_UI_FLAG_LAYOUT_HIDE_NAVIGATION;
    try (ActivityController<ModelsActivity> page =
        Robolectric.buildActivity(ModelsActivity.class).setup()) {
      int flags = page.get().getWindow().getDecorView().getSystemUiVisibility();
      assertEquals(reaching, flags & reaching);
    }
  }
}
