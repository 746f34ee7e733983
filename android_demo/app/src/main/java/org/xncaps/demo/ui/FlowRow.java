package org.xncaps.demo.ui;

import android.content.Context;
import android.util.AttributeSet;
import android.view.View;
import android.view.ViewGroup;

/** Views in a row, and in further rows where one has no room: the framework has no such layout. */
public final class FlowRow extends ViewGroup {
  private final int gap = Math.round(6 * getResources().getDisplayMetrics().density);

  public FlowRow(Context context, AttributeSet attributes) {
    super(context, attributes);
  }

  @Override
  protected void onMeasure(int widthSpec, int heightSpec) {
    measureChildren(
        MeasureSpec.makeMeasureSpec(MeasureSpec.getSize(widthSpec), MeasureSpec.AT_MOST),
        MeasureSpec.makeMeasureSpec(0, MeasureSpec.UNSPECIFIED));
    int width = MeasureSpec.getSize(widthSpec);
    setMeasuredDimension(width, resolveSize(flow(width, false), heightSpec));
  }

  @Override
  protected void onLayout(boolean changed, int left, int top, int right, int bottom) {
    flow(right - left, true);
  }

  /** Goes through the rows; their height in all. */
  private int flow(int width, boolean place) {
    boolean rightToLeft = getLayoutDirection() == LAYOUT_DIRECTION_RTL;
    int x = 0;
    int y = 0;
    int row = 0;
    for (int i = 0; i < getChildCount(); i++) {
      View child = getChildAt(i);
      if (child.getVisibility() == GONE) {
        continue;
      }
      int needed = child.getMeasuredWidth();
      if (x > 0 && x + needed > width) {
        x = 0;
        y += row + gap;
        row = 0;
      }
      if (place) {
        int start = rightToLeft ? width - x - needed : x;
        child.layout(start, y, start + needed, y + child.getMeasuredHeight());
      }
      x += needed + gap;
      row = Math.max(row, child.getMeasuredHeight());
    }
    return y + row;
  }
}
