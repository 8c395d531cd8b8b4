"""Source names: what sources of races call our columns, in order of preference."""

SYNONYMS = {
    "race_id": ("win_market_id", "market_id", "event_id", "race_key"),
    "start_time": (
        "event_dt",
        "race_datetime",
        "off_dt",
        "scheduled_start",
        "race_date",
        "meeting_date",
        "local_meeting_date",
        "date",
    ),
    "runner": ("runner_name", "selection_name", "horse_name", "horse", "dog_name", "greyhound", "dog"),
    "venue": ("track", "course", "racecourse", "meeting"),
    "race_no": ("race_number",),
    "distance_m": ("dist_m", "distance", "dist"),
    "grade": ("race_class", "class", "race_type"),
    "box": ("trap", "tab_number", "cloth_number", "saddlecloth", "num", "rug", "stall", "barrier", "draw"),
    "weight_kg": ("weight", "wgt"),
    "trainer": ("trainer_name",),
    "won": ("win_result", "win_lose", "is_winner", "winner"),
    "placed": ("place_result",),
    "place": ("finish_position", "finishing_position", "position", "pos", "plc"),
    "run_time_s": ("run_time", "finish_time", "secs"),
    "sectional_s": ("sectional", "sectional_time", "first_sectional"),
    "margin_lengths": ("margin", "beaten_lengths", "ovr_btn"),
    "bsp": ("win_bsp", "betfair_sp", "sp_dec", "sp", "starting_price", "win_odds", "odds", "price"),
    "place_bsp": ("place_sp",),
    "updated_at": ("last_updated", "modified_at", "corrected_at"),
    "scratched": ("is_scratched", "non_runner", "withdrawn"),
}
# by normal form: columns of the time of day at which a race starts, beside one of its day
OFF_TIME_NAMES = {
    *("off", "offtime", "raceoff", "racetime", "scheduledtime", "scheduledracetime", "posttime", "jumptime"),
    *("starttime", "starttimelocal", "time", "timeofday", "clock"),
}
