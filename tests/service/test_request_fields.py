"""Request fields: a time is a day with or without a time of day, never a number that could be a timestamp."""

from datetime import datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from trueline.service.request_fields import Day, Time

TIME, DAY = TypeAdapter[datetime](Time), TypeAdapter[datetime](Day)


@pytest.mark.parametrize(
    "text", ["20240429", "0", "-0", "86400", "1714418640.5", "1714418640000", " 2024-04-29", "٢٠٢٤-٠٤-٢٩"]
)
def test_digits_that_are_no_day_are_rejected(text: str) -> None:
    for kind in (TIME, DAY):
        with pytest.raises(ValidationError, match="write it as text that begins with the day, such as 2024-03-01"):
            kind.validate_python(text)


def test_a_day_and_a_time_with_or_without_an_offset_are_read() -> None:
    assert DAY.validate_python("2024-04-29") == datetime(2024, 4, 29)
    for text in ("2024-04-29T19:24:00Z", "2024-04-29 19:24", "2024-04-30T05:24:00+10:00"):
        assert TIME.validate_python(text) == datetime(2024, 4, 29, 19, 24)
