package org.xncaps.demo.picture;

import android.graphics.Canvas;
import android.graphics.ColorFilter;
import android.graphics.Paint;
import android.graphics.PixelFormat;
import android.graphics.RectF;
import android.graphics.drawable.Drawable;
import android.widget.ImageView;

/** Over a picture: a line round the part that the model sees, the middle; the rest a little darker. */
final class SeenPart extends Drawable {
  private final ImageView view;
  private final float aspect;
  private final Paint line = new Paint(Paint.ANTI_ALIAS_FLAG);
  private final RectF picture = new RectF();
  private final RectF seen = new RectF();

  /** @param aspect width by height of the model's input */
  SeenPart(ImageView view, float aspect) {
    this.view = view;
    this.aspect = aspect;
    line.setStyle(Paint.Style.STROKE);
    line.setStrokeWidth(2 * view.getResources().getDisplayMetrics().density);
    line.setColor(0xFFFFFFFF);
  }

  @Override
  public void draw(Canvas canvas) {
    if (view.getDrawable() == null) {
      return;
    }
    picture.set(view.getDrawable().getBounds());
    view.getImageMatrix().mapRect(picture);
    picture.offset(view.getPaddingLeft(), view.getPaddingTop());
    float width = Math.min(picture.width(), picture.height() * aspect);
    float height = width / aspect;
    seen.set(
        picture.centerX() - width / 2, picture.centerY() - height / 2,
        picture.centerX() + width / 2, picture.centerY() + height / 2);
    canvas.save();
    canvas.clipRect(picture);
    canvas.save();
    canvas.clipOutRect(seen.left, seen.top, seen.right, seen.bottom);
    canvas.drawColor(0x66000000);
    canvas.restore();
    seen.inset(line.getStrokeWidth() / 2, line.getStrokeWidth() / 2);
    canvas.drawRect(seen, line);
    canvas.restore();
  }

  @Override
  public void setAlpha(int alpha) {
    line.setAlpha(alpha);
  }

  @Override
  public void setColorFilter(ColorFilter filter) {
    line.setColorFilter(filter);
  }

  @Override
  public int getOpacity() {
    return PixelFormat.TRANSLUCENT;
  }
}
