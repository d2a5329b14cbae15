"""Pages about exams."""
