package org.xncaps.demo.ui;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.util.AttributeSet;
import android.util.TypedValue;
import android.view.View;
import java.util.Collections;
import java.util.List;
import org.xncaps.core.TopK;
import org.xncaps.demo.R;

/** The best classes as bars, with names and shares; always as high as the most it may show. */
public final class BarsView extends View {
  private static final String ELLIPSIS = "\u2026";

  private final Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
  private final float textSize =
      TypedValue.applyDimension(
          TypedValue.COMPLEX_UNIT_SP, 16, getResources().getDisplayMetrics());
  private final float row = Math.max(dp(32), textSize + dp(16)); // large fonts need higher bars
  private List<TopK.Entry> entries = Collections.emptyList();
  private int rows = 1;

  public BarsView(Context context) {
    this(context, null);
  }

  public BarsView(Context context, AttributeSet attributes) {
    super(context, attributes);
  }

  private float dp(float value) {
    return TypedValue.applyDimension(
        TypedValue.COMPLEX_UNIT_DIP, value, getResources().getDisplayMetrics());
  }

  public void show(List<TopK.Entry> entries, int rows) {
    if (rows != this.rows) {
      this.rows = rows;
      requestLayout();
    }
    this.entries = entries;
    invalidate();
  }

  /** Shows none, with room for as many as before. */
  void clear() {
    show(Collections.<TopK.Entry>emptyList(), rows);
  }

  /** What TalkBack reads. */
  public String spoken() {
    StringBuilder out = new StringBuilder();
    for (TopK.Entry entry : entries) {
      String part =
          getContext().getString(
              R.string.bar_spoken, entry.label, Words.share(getContext(), entry.share));
      out.append(out.length() == 0 ? "" : "; ").append(part);
    }
    return out.toString();
  }

  @Override
  protected void onMeasure(int widthSpec, int heightSpec) {
    setMeasuredDimension(
        getDefaultSize(getSuggestedMinimumWidth(), widthSpec),
        resolveSize(Math.round(rows * row), heightSpec));
  }

  @Override
  protected void onDraw(Canvas canvas) {
    boolean rightToLeft = getLayoutDirection() == LAYOUT_DIRECTION_RTL;
    paint.setTextSize(textSize);
    float gap = dp(3);
    for (int i = 0; i < entries.size(); i++) {
      TopK.Entry entry = entries.get(i);
      float top = i * row + gap;
      float bottom = (i + 1) * row - gap;
      float length = (float) (getWidth() * entry.share);
      paint.setColor(getContext().getColor(R.color.bar_ground));
      canvas.drawRoundRect(0, top, getWidth(), bottom, gap, gap, paint);
      paint.setColor(getContext().getColor(R.color.bar));
      canvas.drawRoundRect(
          rightToLeft ? getWidth() - length : 0, top,
          rightToLeft ? getWidth() : length, bottom, gap, gap, paint);
      drawWords(canvas, entry, (top + bottom) / 2, rightToLeft);
    }
  }

  /** As much of the words as has room, so that they never run into the score. */
  private String cut(String words, float room) {
    if (paint.measureText(words) <= room) {
      return words;
    }
    int fits = paint.breakText(words, true, Math.max(0, room - paint.measureText(ELLIPSIS)), null);
    return words.substring(0, fits).trim() + ELLIPSIS;
  }

  private void drawWords(Canvas canvas, TopK.Entry entry, float middle, boolean rightToLeft) {
    float baseline = middle - (paint.ascent() + paint.descent()) / 2;
    String score = Words.share(getContext(), entry.share);
    String label = cut(entry.label, getWidth() - dp(32) - paint.measureText(score));
    paint.setColor(getContext().getColor(R.color.ink));
    paint.setTextAlign(rightToLeft ? Paint.Align.RIGHT : Paint.Align.LEFT);
    float start = rightToLeft ? getWidth() - dp(8) : dp(8);
    canvas.drawText(label, start, baseline, paint);
    paint.setTextAlign(rightToLeft ? Paint.Align.LEFT : Paint.Align.RIGHT);
    canvas.drawText(score, rightToLeft ? dp(8) : getWidth() - dp(8), baseline, paint);
  }
}
