"""The parts of the daily table: graded units in; one row a day, its alarms and what to say of today out."""
