"""Dates and times in German.

DAY_FORMAT and DAY_OF_MONTH_FORMAT are ours (`amls/core/times.py`), the other names are Django's.
"""

DATE_FORMAT = "D j. F Y"
DAY_FORMAT = "D j. F"
MONTH_DAY_FORMAT = "j. F"
DAY_OF_MONTH_FORMAT = "j."
YEAR_MONTH_FORMAT = "F Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "D j. F Y, H:i"
SHORT_DATE_FORMAT = "j. F Y"
SHORT_DATETIME_FORMAT = "j. F Y, H:i"
