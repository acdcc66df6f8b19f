"""When things happened in the sample: the last weeks before ``now``, busy by day, quiet at night and at weekends."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

DAYS = 45
# how much happens in each hour, 0 to 23
_HOURS = (1, 1, 1, 1, 1, 2, 5, 9, 12, 12, 11, 9, 7, 9, 11, 10, 8, 6, 4, 3, 3, 2, 2, 1)
_WEEKEND = 0.25


@dataclass(frozen=True)
class Clock:
    """Moments before ``now`` (zone-aware)."""

    now: datetime

    def moment(self, rng: random.Random) -> datetime:
        """Some moment of the last ``DAYS`` days, yesterday at the latest."""
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        days = [midnight - timedelta(days=back) for back in range(1, DAYS + 1)]
        weights = [_WEEKEND if day.weekday() >= 5 else 1.0 for day in days]
        day = rng.choices(days, weights)[0]
        hour = rng.choices(range(24), _HOURS)[0]
        return day + timedelta(hours=hour, seconds=rng.randrange(3600))

    def later(self, moment: datetime, seconds: float) -> datetime:
        """That many seconds later, but not in the future."""
        return min(moment + timedelta(seconds=seconds), self.now)
