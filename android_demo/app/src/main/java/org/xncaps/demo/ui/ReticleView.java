package org.xncaps.demo.ui;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.Path;
import android.util.AttributeSet;
import android.view.View;

/** The square of the preview that the model sees, in the middle; the rest a little darker. */
public final class ReticleView extends View {
  private static final float OF_WIDTH = 0.72f;
  /** The model's name lies above it. */
  private static final float OF_HEIGHT = 0.66f;
  /** Where the view is much higher than wide, controls cover its lower end. */
  private static final float OF_HEIGHT_UPRIGHT = 0.45f;

  private final float density = getResources().getDisplayMetrics().density;
  private final Paint line = new Paint(Paint.ANTI_ALIAS_FLAG);
  private final Path outside = new Path();

  public ReticleView(Context context, AttributeSet attributes) {
    super(context, attributes);
    line.setStyle(Paint.Style.STROKE);
    line.setStrokeWidth(3 * density);
    line.setColor(0xFFFFFFFF);
  }

  /** Of the square, in pixels. */
  public float side() {
    boolean upright = getHeight() > 1.3f * getWidth();
    return Math.min(
        OF_WIDTH * getWidth(), (upright ? OF_HEIGHT_UPRIGHT : OF_HEIGHT) * getHeight());
  }

  @Override
  protected void onSizeChanged(int width, int height, int oldWidth, int oldHeight) {
    float half = side() / 2;
    float round = 24 * density;
    outside.reset();
    outside.setFillType(Path.FillType.EVEN_ODD);
    outside.addRect(0, 0, width, height, Path.Direction.CW);
    outside.addRoundRect(
        width / 2f - half, height / 2f - half, width / 2f + half, height / 2f + half, round, round,
        Path.Direction.CW);
  }

  @Override
  protected void onDraw(Canvas canvas) {
    float half = side() / 2;
    float round = 24 * density;
    canvas.save();
    canvas.clipPath(outside);
    canvas.drawColor(0x4D000000);
    canvas.restore();
    canvas.drawRoundRect(
        getWidth() / 2f - half, getHeight() / 2f - half, getWidth() / 2f + half,
        getHeight() / 2f + half, round, round, line);
  }
}
