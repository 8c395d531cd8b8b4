-- The daily table of the diagnose stage (metrics/<task>/daily.parquet and .csv), one row a calendar day.
-- Written by `python -m trueline.daily_sql > docs/daily.sql`; a test holds it to the code.
-- Percent run from 0 to 100; a loss is points of a quantity's error, or nats of a race.

-- BigQuery
CREATE TABLE IF NOT EXISTS daily (
  game_date                  DATE NOT NULL,  -- the day
  status                     STRING NOT NULL,  -- whether there was something to grade: graded, ungraded, no_data, not_scored, no_games
  line_n                     INT64 NOT NULL,  -- units in the window that stand beside a market
  line_n_tier1               INT64 NOT NULL,  -- and of tier 1
  line_n_tier2               INT64 NOT NULL,  -- and of tier 2
  line_n_tier3               INT64 NOT NULL,  -- and of tier 3
  hit_rate_7d_n              INT64 NOT NULL,  -- picks decided in 7 days
  hit_rate_14d_n             INT64 NOT NULL,  -- picks decided in 14 days
  hit_rate_30d_n             INT64 NOT NULL,  -- picks decided in 30 days
  model_n                    INT64 NOT NULL,  -- units graded in the window
  predictions_made           INT64 NOT NULL,  -- rows predicted of the day
  predictions_graded         INT64 NOT NULL,  -- rows of them that have a result that counts
  line_mae_tier1             FLOAT64,  -- mean loss of the market in the window, tier 1 (loss)
  line_mae_tier2             FLOAT64,  -- mean loss of the market in the window, tier 2 (loss)
  line_mae_tier3             FLOAT64,  -- mean loss of the market in the window, tier 3 (loss)
  line_mae                   FLOAT64,  -- mean loss of the market in the window (loss)
  model_beats_line_pct       FLOAT64,  -- units in which the model was strictly closer than the market (%)
  model_beats_line_pct_low   FLOAT64,  -- units in which the model was strictly closer than the market, lower end of its 95 % interval (%)
  model_beats_line_pct_high  FLOAT64,  -- units in which the model was strictly closer than the market, upper end of its 95 % interval (%)
  sharpness_score            FLOAT64,  -- baseline windows in which the market lost more on units as hard (%)
  sharpness_low              FLOAT64,  -- the score at the lower end of the market's 95 % interval (%)
  sharpness_high             FLOAT64,  -- the score at its upper end (%)
  sharpness_status           STRING,  -- the score in a word: dull, normal, sharp, razor_sharp
  sharpness_reason           STRING,  -- why figures of sharpness are missing; null where none is
  hit_rate_7d                FLOAT64,  -- picks won in 7 days (%)
  hit_rate_7d_low            FLOAT64,  -- picks won in 7 days, lower end of its 95 % interval (%)
  hit_rate_7d_high           FLOAT64,  -- picks won in 7 days, upper end of its 95 % interval (%)
  hit_rate_14d               FLOAT64,  -- picks won in 14 days (%)
  hit_rate_14d_low           FLOAT64,  -- picks won in 14 days, lower end of its 95 % interval (%)
  hit_rate_14d_high          FLOAT64,  -- picks won in 14 days, upper end of its 95 % interval (%)
  hit_rate_30d               FLOAT64,  -- picks won in 30 days (%)
  hit_rate_30d_low           FLOAT64,  -- picks won in 30 days, lower end of its 95 % interval (%)
  hit_rate_30d_high          FLOAT64,  -- picks won in 30 days, upper end of its 95 % interval (%)
  model_mae                  FLOAT64,  -- mean loss of the model in the window (loss)
  model_mean_error           FLOAT64,  -- mean of prediction − outcome in the window (loss)
  bias_direction             STRING,  -- to which side predictions err: under, neutral, over
  drift_score                FLOAT64,  -- posterior probability that the model got worse (%)
  drift_severity             STRING,  -- the score in a word: none, mild, moderate, severe
  drift_reason               STRING,  -- why figures of drift are missing; null where none is
  completeness               FLOAT64,  -- rows predicted of those that test folds score (%)
  feature_quality            FLOAT64,  -- inputs present and not at a default, of rows asked for (%)
  quality_reason             STRING,  -- why figures of quality are missing; null where none is
  line_mae_baseline          FLOAT64,  -- mean loss of the market in the baseline (loss)
  hit_rate_baseline          FLOAT64,  -- picks won of those decided in the baseline (%)
  sharpness_vs_baseline      FLOAT64,  -- how much less the market lost than on units as hard before (%)
  sharpness_vs_baseline_low  FLOAT64,  -- lower end of its 95 % interval (%)
  sharpness_vs_baseline_high FLOAT64,  -- upper end of its 95 % interval (%)
  baseline_reason            STRING,  -- why figures of baseline are missing; null where none is
  primary_cause              STRING,  -- what explains best that the window differs from the days before it
  cause_confidence           FLOAT64,  -- share of resamples that name the same (share)
  contributing_factors       STRING,  -- parts of the change, largest first: JSON objects
  cause_reason               STRING,  -- why figures of cause are missing; null where none is
  alert_triggered            INT64,  -- 1 if a rule alarms or nothing was predicted that should have been
  alert_level                STRING,  -- the gravest: none, info, warning, critical
  alert_message              STRING,  -- what alarms, in a sentence
  alert_reason               STRING  -- why figures of alert are missing; null where none is
);

-- DuckDB
CREATE TABLE IF NOT EXISTS daily (
  game_date                  DATE NOT NULL,  -- the day
  status                     VARCHAR NOT NULL,  -- whether there was something to grade: graded, ungraded, no_data, not_scored, no_games
  line_n                     BIGINT NOT NULL,  -- units in the window that stand beside a market
  line_n_tier1               BIGINT NOT NULL,  -- and of tier 1
  line_n_tier2               BIGINT NOT NULL,  -- and of tier 2
  line_n_tier3               BIGINT NOT NULL,  -- and of tier 3
  hit_rate_7d_n              BIGINT NOT NULL,  -- picks decided in 7 days
  hit_rate_14d_n             BIGINT NOT NULL,  -- picks decided in 14 days
  hit_rate_30d_n             BIGINT NOT NULL,  -- picks decided in 30 days
  model_n                    BIGINT NOT NULL,  -- units graded in the window
  predictions_made           BIGINT NOT NULL,  -- rows predicted of the day
  predictions_graded         BIGINT NOT NULL,  -- rows of them that have a result that counts
  line_mae_tier1             DOUBLE,  -- mean loss of the market in the window, tier 1 (loss)
  line_mae_tier2             DOUBLE,  -- mean loss of the market in the window, tier 2 (loss)
  line_mae_tier3             DOUBLE,  -- mean loss of the market in the window, tier 3 (loss)
  line_mae                   DOUBLE,  -- mean loss of the market in the window (loss)
  model_beats_line_pct       DOUBLE,  -- units in which the model was strictly closer than the market (%)
  model_beats_line_pct_low   DOUBLE,  -- units in which the model was strictly closer than the market, lower end of its 95 % interval (%)
  model_beats_line_pct_high  DOUBLE,  -- units in which the model was strictly closer than the market, upper end of its 95 % interval (%)
  sharpness_score            DOUBLE,  -- baseline windows in which the market lost more on units as hard (%)
  sharpness_low              DOUBLE,  -- the score at the lower end of the market's 95 % interval (%)
  sharpness_high             DOUBLE,  -- the score at its upper end (%)
  sharpness_status           VARCHAR,  -- the score in a word: dull, normal, sharp, razor_sharp
  sharpness_reason           VARCHAR,  -- why figures of sharpness are missing; null where none is
  hit_rate_7d                DOUBLE,  -- picks won in 7 days (%)
  hit_rate_7d_low            DOUBLE,  -- picks won in 7 days, lower end of its 95 % interval (%)
  hit_rate_7d_high           DOUBLE,  -- picks won in 7 days, upper end of its 95 % interval (%)
  hit_rate_14d               DOUBLE,  -- picks won in 14 days (%)
  hit_rate_14d_low           DOUBLE,  -- picks won in 14 days, lower end of its 95 % interval (%)
  hit_rate_14d_high          DOUBLE,  -- picks won in 14 days, upper end of its 95 % interval (%)
  hit_rate_30d               DOUBLE,  -- picks won in 30 days (%)
  hit_rate_30d_low           DOUBLE,  -- picks won in 30 days, lower end of its 95 % interval (%)
  hit_rate_30d_high          DOUBLE,  -- picks won in 30 days, upper end of its 95 % interval (%)
  model_mae                  DOUBLE,  -- mean loss of the model in the window (loss)
  model_mean_error           DOUBLE,  -- mean of prediction − outcome in the window (loss)
  bias_direction             VARCHAR,  -- to which side predictions err: under, neutral, over
  drift_score                DOUBLE,  -- posterior probability that the model got worse (%)
  drift_severity             VARCHAR,  -- the score in a word: none, mild, moderate, severe
  drift_reason               VARCHAR,  -- why figures of drift are missing; null where none is
  completeness               DOUBLE,  -- rows predicted of those that test folds score (%)
  feature_quality            DOUBLE,  -- inputs present and not at a default, of rows asked for (%)
  quality_reason             VARCHAR,  -- why figures of quality are missing; null where none is
  line_mae_baseline          DOUBLE,  -- mean loss of the market in the baseline (loss)
  hit_rate_baseline          DOUBLE,  -- picks won of those decided in the baseline (%)
  sharpness_vs_baseline      DOUBLE,  -- how much less the market lost than on units as hard before (%)
  sharpness_vs_baseline_low  DOUBLE,  -- lower end of its 95 % interval (%)
  sharpness_vs_baseline_high DOUBLE,  -- upper end of its 95 % interval (%)
  baseline_reason            VARCHAR,  -- why figures of baseline are missing; null where none is
  primary_cause              VARCHAR,  -- what explains best that the window differs from the days before it
  cause_confidence           DOUBLE,  -- share of resamples that name the same (share)
  contributing_factors       VARCHAR,  -- parts of the change, largest first: JSON objects
  cause_reason               VARCHAR,  -- why figures of cause are missing; null where none is
  alert_triggered            BIGINT,  -- 1 if a rule alarms or nothing was predicted that should have been
  alert_level                VARCHAR,  -- the gravest: none, info, warning, critical
  alert_message              VARCHAR,  -- what alarms, in a sentence
  alert_reason               VARCHAR  -- why figures of alert are missing; null where none is
);
