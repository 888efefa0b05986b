"""The bench: a run driven, drawn and taught.  Start reading at `page`; `driver` knows no widgets."""
