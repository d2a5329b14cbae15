"""Dates and times in English: the day first, 24 hours.

DAY_FORMAT and DAY_OF_MONTH_FORMAT are ours (`amls/core/times.py`), the other names are Django's.
"""

DATE_FORMAT = "D j M Y"
DAY_FORMAT = "D j M"
MONTH_DAY_FORMAT = "j M"
DAY_OF_MONTH_FORMAT = "j"
YEAR_MONTH_FORMAT = "F Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "D j M Y, H:i"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i"
