package org.xncaps.demo;

import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.os.BatteryManager;
import android.os.Build;
import android.os.PowerManager;

/** Battery and heat, which decide what a time on a phone is worth. */
final class DeviceStatus {
  private static final String[] THERMAL = {
    "none", "light", "moderate", "severe", "critical", "emergency", "shutdown"
  };

  final double batteryCelsius;
  final int batteryPercent;
  final boolean charging;
  /** Android's word for how much it throttles; "unknown" before Android 10. */
  final String thermal;

  private DeviceStatus(double celsius, int percent, boolean charging, String thermal) {
    this.batteryCelsius = celsius;
    this.batteryPercent = percent;
    this.charging = charging;
    this.thermal = thermal;
  }

  static DeviceStatus read(Context context) {
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

  private static String thermal(Context context) {
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) {
      return "unknown";
    }
    PowerManager power = (PowerManager) context.getSystemService(Context.POWER_SERVICE);
    int status = power.getCurrentThermalStatus();
    return status >= 0 && status < THERMAL.length ? THERMAL[status] : "unknown";
  }

  String words(Context context) {
    String temperature =
        Double.isNaN(batteryCelsius)
            ? context.getString(R.string.unknown)
            : context.getString(R.string.celsius, batteryCelsius);
    return context.getString(R.string.device_status, temperature, thermal);
  }
}
