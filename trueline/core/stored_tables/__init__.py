"""Tables as other stages wrote them: read column by column, and looked up by row id."""
