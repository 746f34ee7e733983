package org.xncaps.demo.draw;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Color;
import android.graphics.Matrix;
import android.graphics.Paint;
import android.graphics.Path;
import android.graphics.RectF;
import android.util.AttributeSet;
import android.view.MotionEvent;
import android.view.View;
import org.xncaps.core.Picture;
import org.xncaps.demo.R;

/** A square of paper that a finger writes on. */
public final class DrawView extends View {
  /** Of the pen, as part of the paper's side: about the strokes of MNIST. */
  private static final float PEN = 0.075f;
  /** MNIST's digits are 20 pixels in a field of 28. */
  private static final float MARGIN = 0.2f;
  /** Of the picture that the model gets; larger than any model of digits looks at. */
  private static final int PICTURE = 112;

  private final Path path = new Path();
  private final Paint pen = new Paint(Paint.ANTI_ALIAS_FLAG);
  private final Paint paper = new Paint();
  private final Paint edge = new Paint(Paint.ANTI_ALIAS_FLAG);
  private final RectF square = new RectF();
  private Runnable onDrawn = () -> {};

  public DrawView(Context context, AttributeSet attributes) {
    super(context, attributes);
    pen.setStyle(Paint.Style.STROKE);
    pen.setStrokeCap(Paint.Cap.ROUND);
    pen.setStrokeJoin(Paint.Join.ROUND);
    pen.setColor(Color.BLACK);
    paper.setColor(Color.WHITE);
    edge.setStyle(Paint.Style.STROKE);
    edge.setStrokeWidth(getResources().getDisplayMetrics().density);
    edge.setColor(context.getColor(R.color.ink_soft));
  }

  /** Told after each movement of the finger. */
  void setOnDrawn(Runnable listener) {
    onDrawn = listener;
  }

  boolean isBlank() {
    return path.isEmpty();
  }

  void clear() {
    path.reset();
    invalidate();
  }

  @Override
  protected void onSizeChanged(int width, int height, int oldWidth, int oldHeight) {
    float side = Math.min(width, height);
    RectF before = new RectF(square);
    square.set(
        (width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2);
    pen.setStrokeWidth(PEN * side);
    if (!before.isEmpty() && !path.isEmpty()) { // the results below may need more room
      Matrix moved = new Matrix();
      moved.setRectToRect(before, square, Matrix.ScaleToFit.FILL);
      path.transform(moved);
    }
  }

  @Override
  protected void onDraw(Canvas canvas) {
    float round = 24 * getResources().getDisplayMetrics().density;
    canvas.drawRoundRect(square, round, round, paper);
    RectF inside = new RectF(square);
    canvas.drawRoundRect(square, round, round, edge);
    canvas.save();
    canvas.clipRect(square);
    canvas.drawPath(path, pen);
    canvas.restore();
  }

  @Override
  public boolean onTouchEvent(MotionEvent event) {
    switch (event.getActionMasked()) {
      case MotionEvent.ACTION_DOWN:
        getParent().requestDisallowInterceptTouchEvent(true);
        path.moveTo(event.getX(), event.getY());
        path.lineTo(event.getX() + 0.1f, event.getY()); // a dot
        break;
      case MotionEvent.ACTION_MOVE:
        for (int i = 0; i < event.getHistorySize(); i++) {
          path.lineTo(event.getHistoricalX(i), event.getHistoricalY(i));
        }
        path.lineTo(event.getX(), event.getY());
        break;
      case MotionEvent.ACTION_UP:
        performClick();
        break;
      default:
        return false;
    }
    invalidate();
    onDrawn.run();
    return true;
  }

  @Override
  public boolean performClick() {
    return super.performClick();
  }

  /** What was drawn, ink on paper, in the middle and as large as the digits of MNIST are. */
  Picture picture() {
    RectF ink = new RectF();
    path.computeBounds(ink, true);
    float pad = pen.getStrokeWidth() / 2;
    ink.inset(-pad, -pad);
    float side = Math.max(Math.max(ink.width(), ink.height()), square.width() / 4);
    float scale = PICTURE * (1 - 2 * MARGIN / 1.4f) / side;
    Bitmap bitmap = Bitmap.createBitmap(PICTURE, PICTURE, Bitmap.Config.ARGB_8888);
    Canvas canvas = new Canvas(bitmap);
    canvas.drawColor(Color.WHITE);
    canvas.translate(PICTURE / 2f, PICTURE / 2f);
    canvas.scale(scale, scale);
    canvas.translate(-ink.centerX(), -ink.centerY());
    canvas.drawPath(path, pen);
    int[] colors = new int[PICTURE * PICTURE];
    bitmap.getPixels(colors, 0, PICTURE, 0, 0, PICTURE, PICTURE);
    return Picture.ofColors(PICTURE, PICTURE, colors);
  }
}
