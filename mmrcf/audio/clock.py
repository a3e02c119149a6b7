"""The clock that frames and audio share, and what the clocks of two devices have to do with each other."""

import time

# A clock of audio that jumps back by more seconds than this has restarted; by less, samples come twice.
CLOCK_RESTART = 1.0
# A clock that jumps back by more frames than this has restarted; by less, a frame is out of place.
CLOCK_RESTART_FRAMES = 3
# Two readings of one clock, taken one after the other, differ by less (seconds).
SAME_CLOCK = 10.0


class PresentationClock:
    """Turns presentation times into times that start at 0 and always grow.

    Args:
        start: Presentation time that is time 0, in seconds.
        interval: Time from one frame to the next where the container does not tell, in seconds.
        tick: Least time between two frames, in seconds.

    Attributes:
        start: As given; changes where the container's clock starts anew.
    """

    def __init__(self, start: float, interval: float, tick: float) -> None:
        self.start = start
        self._interval = interval
        self._tick = tick
        self._last: float | None = None

    def read(self, presentation_time: float | None) -> float:
        """Seconds since the start, for a frame whose container gives ``presentation_time`` (None: it gives none)."""
        last = self._last
        if presentation_time is None:
            time = 0.0 if last is None else last + self._interval
        else:
            time = presentation_time - self.start
            if last is not None and time < last - CLOCK_RESTART_FRAMES * self._interval:
                self.start = presentation_time - last - self._interval
                time = last + self._interval
        if last is not None and time <= last:
            time = last + self._tick
        self._last = time
        return time


def time_of_day_offset(device_time: float) -> float:
    """Seconds to add to a device's times to get the time of day, found from what its clock says now.

    Cameras and microphones stamp with the time of day or with the system's monotonic clock; both are recognised. A
    device with a clock of its own is taken at its word that now is ``device_time``.
    """
    now, monotonic = time.time(), time.monotonic()
    for clock in (now, monotonic):
        if abs(device_time - clock) < SAME_CLOCK:
            return now - clock
    return now - device_time
