"""HTTP service: serves predictions of promoted models and reports which model versions answer."""
