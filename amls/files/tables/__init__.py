"""Tables: read from whatever spreadsheets and offices write, shown as understood, written so that they open as tables."""
