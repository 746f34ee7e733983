"""The machines that can measure: this one, a board by ssh, a phone by adb."""
