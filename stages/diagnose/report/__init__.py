"""The parts of the page for people: findings, the report and the daily table in; sections of HTML with drawings out."""
