package org.xncaps.demo.ui;

import android.app.Activity;
import android.graphics.Rect;
import android.os.Build;
import android.view.DisplayCutout;
import android.view.View;
import android.view.Window;
import android.view.WindowInsets;

/** Screens that reach to the display's edges, with what is touched kept clear of bars and cutouts. */
public final class Edges {
  private Edges() {}

  /** Lets the content lie behind the system's bars. */
  @SuppressWarnings("deprecation") // the new calls came with Android 11
  public static void reach(Activity activity) {
    Window window = activity.getWindow();
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
      window.setDecorFitsSystemWindows(false);
    } else {
      window.getDecorView().setSystemUiVisibility(
          window.getDecorView().getSystemUiVisibility()
              | View.SYSTEM_UI_FLAG_LAYOUT_STABLE | View.SYSTEM_UI_FLAG_LAYOUT_FULLSCREEN
              | View.SYSTEM_UI_FLAG_LAYOUT_HIDE_NAVIGATION);
    }
  }

  /**
   * Adds bars and cutouts on these sides to a view's own padding, now and whenever they change.
   * Where one reads from right to left, the start is on the right.
   */
  public static void pad(View view, boolean start, boolean top, boolean end, boolean bottom) {
    int ownStart = view.getPaddingStart();
    int ownTop = view.getPaddingTop();
    int ownEnd = view.getPaddingEnd();
    int ownBottom = view.getPaddingBottom();
    view.setOnApplyWindowInsetsListener(
        (padded, insets) -> {
          Rect bars = bars(insets);
          // a view's own direction is not resolved yet where insets come before the first layout
          boolean rightToLeft =
              padded.getResources().getConfiguration().getLayoutDirection()
                  == View.LAYOUT_DIRECTION_RTL;
          int atStart = rightToLeft ? bars.right : bars.left;
          int atEnd = rightToLeft ? bars.left : bars.right;
          padded.setPaddingRelative(
              ownStart + (start ? atStart : 0), ownTop + (top ? bars.top : 0),
              ownEnd + (end ? atEnd : 0), ownBottom + (bottom ? bars.bottom : 0));
          return insets;
        });
    view.requestApplyInsets();
  }

  @SuppressWarnings("deprecation")
  private static Rect bars(WindowInsets insets) {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
      android.graphics.Insets bars =
          insets.getInsets(WindowInsets.Type.systemBars() | WindowInsets.Type.displayCutout());
      return new Rect(bars.left, bars.top, bars.right, bars.bottom);
    }
    Rect bars =
        new Rect(
            insets.getSystemWindowInsetLeft(), insets.getSystemWindowInsetTop(),
            insets.getSystemWindowInsetRight(), insets.getSystemWindowInsetBottom());
    DisplayCutout cutout =
        Build.VERSION.SDK_INT >= Build.VERSION_CODES.P ? insets.getDisplayCutout() : null;
    if (cutout != null) {
      bars.left = Math.max(bars.left, cutout.getSafeInsetLeft());
      bars.top = Math.max(bars.top, cutout.getSafeInsetTop());
      bars.right = Math.max(bars.right, cutout.getSafeInsetRight());
      bars.bottom = Math.max(bars.bottom, cutout.getSafeInsetBottom());
    }
    return bars;
  }
}
