package org.xncaps.demo.measure;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.util.AttributeSet;
import android.view.View;
import org.xncaps.demo.R;

/** A bar as long as the median, and a fainter one on to the 90th percentile. */
public final class TimesView extends View {
  private static final float HEIGHT_DP = 20;
  private static final int FAINT = 90;

  private final Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
  private double median;
  private double p90;

  public TimesView(Context context, AttributeSet attributes) {
    super(context, attributes);
  }

  /** @param longest what fills the whole width */
  void show(double median, double p90, double longest) {
    this.median = median / longest;
    this.p90 = p90 / longest;
    invalidate();
  }

  private float dp(float value) {
    return value * getResources().getDisplayMetrics().density;
  }

  @Override
  protected void onMeasure(int widthSpec, int heightSpec) {
    setMeasuredDimension(
        getDefaultSize(getSuggestedMinimumWidth(), widthSpec),
        resolveSize(Math.round(dp(HEIGHT_DP)), heightSpec));
  }

  private void bar(Canvas canvas, double length, int color, int alpha) {
    float end = (float) (getWidth() * Math.min(1, length));
    boolean rightToLeft = getLayoutDirection() == LAYOUT_DIRECTION_RTL;
    paint.setColor(getContext().getColor(color));
    paint.setAlpha(alpha);
    canvas.drawRoundRect(
        rightToLeft ? getWidth() - end : 0, 0, rightToLeft ? getWidth() : end, getHeight(),
        dp(4), dp(4), paint);
  }

  @Override
  protected void onDraw(Canvas canvas) {
    bar(canvas, 1, R.color.bar_ground, 255);
    bar(canvas, p90, R.color.accent, FAINT);
    bar(canvas, median, R.color.accent, 255);
  }
}
