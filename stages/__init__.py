"""Eight rooms, in order: prepare, features, resample, tune, train, calibrate, evaluate, diagnose."""
