"""The sections of a report: what each says, made once from a run and drawn by every rendering."""
