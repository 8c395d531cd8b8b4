"""The sections of the HTML report: findings, report.json and the daily table in; HTML with charts out."""
