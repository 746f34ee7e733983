package org.xncaps.demo.measure;

import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.os.BatteryManager;
import android.os.Build;
import android.os.PowerManager;
import org.xncaps.demo.R;

/** Battery and heat, which decide what a time on a phone is worth. */
public final class DeviceStatus {
  /** The words of the benchmark's protocol; those on the screen are a resource in this order. */
  private static final String[] THERMAL = {
    "none", "light", "moderate", "severe", "critical", "emergency", "shutdown"
  };

  public final double batteryCelsius;
  public final int batteryPercent;
  public final boolean charging;
  /** Android's word for how much it throttles; "unknown" before Android 10. */
  public final String thermal;
  private final int thermalStatus;

  private DeviceStatus(double celsius, int percent, boolean charging, int thermalStatus) {
    this.batteryCelsius = celsius;
    this.batteryPercent = percent;
    this.charging = charging;
    this.thermalStatus = thermalStatus;
    this.thermal = thermalStatus < 0 ? "unknown" : THERMAL[thermalStatus];
  }

  public static DeviceStatus read(Context context) {
    // A sticky broadcast: no receiver, nothing to unregister.
    Intent battery =
        context.registerReceiver(null, new IntentFilter(Intent.ACTION_BATTERY_CHANGED));
    int tenths = battery == null ? Integer.MIN_VALUE
        : battery.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, Integer.MIN_VALUE);
    int level = battery == null ? -1 : battery.getIntExtra(BatteryManager.EXTRA_LEVEL, -1);
    int scale = battery == null ? 100 : battery.getIntExtra(BatteryManager.EXTRA_SCALE, 100);
    boolean plugged =
        battery != null && battery.getIntExtra(BatteryManager.EXTRA_PLUGGED, 0) != 0;
    return new DeviceStatus(
        tenths == Integer.MIN_VALUE ? Double.NaN : tenths / 10.0,
        level < 0 || scale <= 0 ? -1 : level * 100 / scale, plugged, thermal(context));
  }

  /** One of PowerManager.THERMAL_STATUS_*; -1 where it is not known. */
  private static int thermal(Context context) {
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) {
      return -1;
    }
    PowerManager power = (PowerManager) context.getSystemService(Context.POWER_SERVICE);
    int status = power.getCurrentThermalStatus();
    return status < THERMAL.length ? status : -1;
  }

  public String words(Context context) {
    String temperature =
        Double.isNaN(batteryCelsius)
            ? context.getString(R.string.unknown)
            : context.getString(R.string.celsius, batteryCelsius);
    String heat =
        thermalStatus < 0
            ? context.getString(R.string.unknown)
            : context.getResources().getStringArray(R.array.thermal)[thermalStatus];
    return context.getString(R.string.device_status, temperature, heat);
  }
}
