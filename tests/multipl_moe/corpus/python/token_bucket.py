"""Limits how often something may happen, with a clock that tests can replace."""

import threading
import time


class TokenBucket:
    """Allows `rate` events a second on average, and bursts of up to `capacity`."""

    def __init__(self, rate, capacity, clock=time.monotonic):
        if rate <= 0 or capacity < 1:
            raise ValueError("rate must be positive and capacity at least 1")
        self.rate = rate
        self.capacity = capacity
        self._clock = clock
        self._level = float(capacity)
        self._updated = clock()
        self._lock = threading.Lock()

    def _refill(self):
        now = self._clock()
        self._level = min(self.capacity, self._level + (now - self._updated) * self.rate)
        self._updated = now

    def try_take(self, count=1):
        with self._lock:
            self._refill()
            if self._level < count:
                return False
            self._level -= count
            return True

    def delay_until(self, count=1):
        """Seconds until `count` events may happen; 0 if they may happen now."""
        with self._lock:
            self._refill()
            return max(0.0, (count - self._level) / self.rate)


class FakeClock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_bucket_refills():
    clock = FakeClock()
    bucket = TokenBucket(rate=2, capacity=3, clock=clock)
    assert all(bucket.try_take() for _ in range(3))
    assert not bucket.try_take()
    assert bucket.delay_until() == 0.5
    clock.now = 0.5
    assert bucket.try_take()
    assert not bucket.try_take()
